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

/** What became of one rule when a question was decided. */
export interface RuleNote {
  readonly policy: string;
  readonly effect: PolicyDefinition['effect'];
  readonly counts: boolean | 'maybe';
  readonly why: string;
}

/** A decision, and how it came about. */
export interface Explanation extends AccessDecision {
  readonly rules: readonly RuleNote[];
}

/** Whoever looks after the gateway may try what runs there. */
const ALL_TEAMS_ROLE = 'admin';

/**
 * Decides by the policies of the configuration. A prohibition beats everything. What permissions name is open to those
 * whom they name, and to nobody else. What no permission names is open to the server's team, or to everybody where it
 * has none.
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
    const areAllNamed = permissions.some((rule) => rule.isAboutAll);
    return given.length === 0 && (areAllNamed || !isOfTeam(caller, server)) ? 'none' : 'some';
  }

  override decide(question: AccessQuestion): AccessDecision {
    let hasPermissions = false;
    let given: Rule | undefined;
    for (const rule of this.concerning(question.server.slug)) {
      if (!rule.names(question)) continue;
      if (rule.effect === 'allow' && given) continue;
      const { counts } = rule.judge(question);
      if (rule.effect === 'deny') {
        if (counts === true) return no(`The policy ${rule.slug} forbids it.`);
        continue;
      }
      hasPermissions = true;
      if (counts !== false) given = rule;
    }
    if (given) return yes(`The policy ${given.slug} allows it.`);
    if (hasPermissions) return no('Policies open it to others only.');
    return byTeam(question);
  }

  override admits(caller: Caller, endpoint: { readonly id: string; readonly team?: string }): boolean {
    return isOfTeam(caller, endpoint);
  }

  override isOpenToAll({ team, servers }: GuardedEndpoint): boolean {
    const isOpen = (server: GuardedServer) => server.team === undefined && this.concerning(server.slug).length === 0;
    return team === undefined && servers.every(isOpen);
  }

  /** Decides, and tells of every rule that names the item. */
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
  if (server.team === undefined) return yes('No policy is about it, and the server belongs to no team.');
  if (!isOfTeam(caller, server)) return no(`The server belongs to the team ${server.team}.`);
  return yes(`No policy is about it, and the caller may use what belongs to the team ${server.team}.`);
}

const yes = (reason: string): AccessDecision => ({ allowed: true, reason });
const no = (reason: string): AccessDecision => ({ allowed: false, reason });
