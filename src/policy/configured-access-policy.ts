import { Injectable } from '@nestjs/common';
import {
  AccessPolicy,
  type AccessDecision,
  type AccessRequest,
  type Caller,
  type GuardedEndpoint,
  type GuardedServer,
  type AccessScope,
} from '#lib/extension-kit';
import { parseCondition, ServerRegistry, type PolicyDefinition } from '../registry/index.js';
import { PolicyRule } from './policy-rule.js';

/** The result of one rule for a question. Its members are part of the admin API. */
export interface RuleExplanation {
  readonly policy: string;
  readonly effect: PolicyDefinition['effect'];
  readonly counts: boolean | 'maybe';
  readonly why: string;
}

/** A decision with the results of the rules for the item. */
export interface Explanation extends AccessDecision {
  readonly rules: readonly RuleExplanation[];
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
  private rules: readonly PolicyRule[] = [];
  private readonly rulesByServer = new Map<string, readonly PolicyRule[]>();

  constructor(private readonly registry: ServerRegistry) {
    super();
  }

  override accessScope(caller: Caller, server: GuardedServer): AccessScope {
    const rules = this.rulesFor(server.slug);
    if (rules.length === 0) return canUseTeam(caller, server) ? 'all' : 'none';
    const isInForce = (rule: PolicyRule) => rule.evaluate({ caller }).counts !== false;
    const denials = rules.filter((rule) => rule.effect === 'deny' && isInForce(rule));
    if (denials.some((rule) => rule.coversAllItems && !rule.usesArgs)) return 'none';
    if (denials.length > 0) return 'some';
    const permissions = rules.filter((rule) => rule.effect === 'allow');
    if (permissions.length === 0) return canUseTeam(caller, server) ? 'all' : 'none';
    const given = permissions.filter(isInForce);
    if (given.some((rule) => rule.coversAllItems && !rule.usesArgs)) return 'all';
    const coversWholeServer = permissions.some((rule) => rule.coversAllItems);
    return given.length === 0 && (coversWholeServer || !canUseTeam(caller, server)) ? 'none' : 'some';
  }

  override decide(question: AccessRequest): AccessDecision {
    let hasPermissions = false;
    let given: PolicyRule | undefined;
    for (const rule of this.rulesFor(question.server.slug)) {
      if (!rule.coversItem(question)) continue;
      if (rule.effect === 'allow' && given) continue;
      const { counts } = rule.evaluate(question);
      if (rule.effect === 'deny') {
        if (counts === true) return deny(`The policy ${rule.slug} denies it.`);
        continue;
      }
      hasPermissions = true;
      if (counts !== false) given = rule;
    }
    if (given) return allow(`The policy ${given.slug} allows it.`);
    if (hasPermissions) return deny('Policies allow it to other callers only.');
    return decideByTeam(question);
  }

  override canUseEndpoint(caller: Caller, endpoint: { readonly id: string; readonly team?: string }): boolean {
    return canUseTeam(caller, endpoint);
  }

  override isUnrestricted({ team, servers }: GuardedEndpoint): boolean {
    const isOpen = (server: GuardedServer) => server.team === undefined && this.rulesFor(server.slug).length === 0;
    return team === undefined && servers.every(isOpen);
  }

  /** Decides, and returns the result of every rule that covers the item. */
  explain(question: AccessRequest): Explanation {
    const named = this.rulesFor(question.server.slug).filter((rule) => rule.coversItem(question));
    const rules = named.map((rule) => ({ policy: rule.slug, effect: rule.effect, ...rule.evaluate(question) }));
    return { ...this.decide(question), rules };
  }

  private rulesFor(server: string): readonly PolicyRule[] {
    const { policies } = this.registry.snapshot;
    if (policies !== this.builtFrom) this.rebuild(policies);
    if (this.rules.length === 0) return this.rules;
    const known = this.rulesByServer.get(server);
    if (known) return known;
    const rules = this.rules.filter((rule) => rule.appliesToServer(server));
    this.rulesByServer.set(server, rules);
    return rules;
  }

  private rebuild(policies: readonly PolicyDefinition[]): void {
    this.builtFrom = policies;
    this.rulesByServer.clear();
    this.rules = policies.map(
      (policy) => new PolicyRule(policy, policy.when === undefined ? undefined : parseCondition(policy.when)),
    );
  }
}

const canUseTeam = ({ teams, roles }: Caller, { team }: { readonly team?: string }): boolean =>
  team === undefined || teams.includes(team) || roles.includes(ALL_TEAMS_ROLE);

function decideByTeam({ caller, server }: AccessRequest): AccessDecision {
  if (server.team === undefined) return allow('No policy covers it, and the server belongs to no team.');
  if (!canUseTeam(caller, server)) return deny(`The server belongs to the team ${server.team}.`);
  return allow(`No policy covers it, and the caller has access to the servers of the team ${server.team}.`);
}

const allow = (reason: string): AccessDecision => ({ allowed: true, reason });
const deny = (reason: string): AccessDecision => ({ allowed: false, reason });
