import { Injectable } from '@nestjs/common';
import {
  AccessPolicy,
  type AccessDecision,
  type AccessQuestion,
  type Caller,
  type GuardedEndpoint,
  type GuardedServer,
  type Reach,
} from '#lib/extension-kit';
import { conditionOf, ServerRegistry, type PolicyDefinition } from '../registry/index.js';
import { Rule } from './rule.js';

/** The result of one rule for a question. Its members are part of the admin API. */
export interface RuleNote {
  readonly policy: string;
  readonly effect: PolicyDefinition['effect'];
  readonly counts: boolean | 'maybe';
  readonly why: string;
}

/** A decision with the results of the rules for the item. */
export interface Explanation extends AccessDecision {
  readonly rules: readonly RuleNote[];
}

/** Callers with this role have access to the servers of every team. */
const ALL_TEAMS_ROLE = 'admin';

/**
 * Decides by the configured policies. A `deny` rule overrides everything. An item with an `allow` rule is available only to
 * callers to which such a rule applies. Any other item is available to the server's team, or to every caller without a team.
 */
@Injectable()
export class ConfiguredAccessPolicy extends AccessPolicy {
  private builtFrom: readonly PolicyDefinition[] | undefined;
  private rules: readonly Rule[] = [];
  private readonly rulesOf = new Map<string, readonly Rule[]>();

  constructor(private readonly registry: ServerRegistry) {
    super();
  }

  override reach(caller: Caller, server: GuardedServer): Reach {
    const rules = this.concerning(server.slug);
    if (rules.length === 0) return isOfTeam(caller, server) ? 'all' : 'none';
    const isInForce = (rule: Rule) => rule.judge({ caller }).counts !== false;
    const denials = rules.filter((rule) => rule.effect === 'deny' && isInForce(rule));
    if (denials.some((rule) => rule.isAboutAll && !rule.usesArgs)) return 'none';
    if (denials.length > 0) return 'some';
    const permissions = rules.filter((rule) => rule.effect === 'allow');
    if (permissions.length === 0) return isOfTeam(caller, server) ? 'all' : 'none';
    const given = permissions.filter(isInForce);
    if (given.some((rule) => rule.isAboutAll && !rule.usesArgs)) return 'all';
    const coversWholeServer = permissions.some((rule) => rule.isAboutAll);
    return given.length === 0 && (coversWholeServer || !isOfTeam(caller, server)) ? 'none' : 'some';
  }

  override decide(question: AccessQuestion): AccessDecision {
    let hasPermissions = false;
    let given: Rule | undefined;
    for (const rule of this.concerning(question.server.slug)) {
      if (!rule.names(question)) continue;
      if (rule.effect === 'allow' && given) continue;
      const { counts } = rule.judge(question);
      if (rule.effect === 'deny') {
        if (counts === true) return no(`The policy ${rule.slug} denies it.`);
        continue;
      }
      hasPermissions = true;
      if (counts !== false) given = rule;
    }
    if (given) return yes(`The policy ${given.slug} allows it.`);
    if (hasPermissions) return no('Policies allow it to other callers only.');
    return byTeam(question);
  }

  override admits(caller: Caller, endpoint: { readonly id: string; readonly team?: string }): boolean {
    return isOfTeam(caller, endpoint);
  }

  override isOpenToAll({ team, servers }: GuardedEndpoint): boolean {
    const isOpen = (server: GuardedServer) => server.team === undefined && this.concerning(server.slug).length === 0;
    return team === undefined && servers.every(isOpen);
  }

  /** Decides, and returns the result of every rule that covers the item. */
  explain(question: AccessQuestion): Explanation {
    const named = this.concerning(question.server.slug).filter((rule) => rule.names(question));
    const rules = named.map((rule) => ({ policy: rule.slug, effect: rule.effect, ...rule.judge(question) }));
    return { ...this.decide(question), rules };
  }

  private concerning(server: string): readonly Rule[] {
    const { policies } = this.registry.snapshot;
    if (policies !== this.builtFrom) this.build(policies);
    if (this.rules.length === 0) return this.rules;
    const known = this.rulesOf.get(server);
    if (known) return known;
    const rules = this.rules.filter((rule) => rule.concerns(server));
    this.rulesOf.set(server, rules);
    return rules;
  }

  private build(policies: readonly PolicyDefinition[]): void {
    this.builtFrom = policies;
    this.rulesOf.clear();
    this.rules = policies.map(
      (policy) => new Rule(policy, policy.when === undefined ? undefined : conditionOf(policy.when)),
    );
  }
}

const isOfTeam = ({ teams, roles }: Caller, { team }: { readonly team?: string }): boolean =>
  team === undefined || teams.includes(team) || roles.includes(ALL_TEAMS_ROLE);

function byTeam({ caller, server }: AccessQuestion): AccessDecision {
  if (server.team === undefined) return yes('No policy covers it, and the server belongs to no team.');
  if (!isOfTeam(caller, server)) return no(`The server belongs to the team ${server.team}.`);
  return yes(`No policy covers it, and the caller has access to the servers of the team ${server.team}.`);
}

const yes = (reason: string): AccessDecision => ({ allowed: true, reason });
const no = (reason: string): AccessDecision => ({ allowed: false, reason });
