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
import { PolicyRule } from './policy-rule.js';

/** What became of one rule when a question was decided. */
export interface RuleExplanation {
  readonly policy: string;
  readonly effect: PolicyDefinition['effect'];
  readonly counts: boolean | 'maybe';
  readonly why: string;
}

/** A decision, and how it came about. */
export interface Explanation extends AccessDecision {
  readonly rules: readonly RuleExplanation[];
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
  private rules: readonly PolicyRule[] = [];
  private readonly rulesByServer = new Map<string, readonly PolicyRule[]>();

  constructor(private readonly registry: ServerRegistry) {
    super();
  }

  override accessScope(caller: Caller, server: GuardedServer): Reach {
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
    const areAllNamed = permissions.some((rule) => rule.coversAllItems);
    return given.length === 0 && (areAllNamed || !canUseTeam(caller, server)) ? 'none' : 'some';
  }

  override decide(question: AccessQuestion): AccessDecision {
    let hasPermissions = false;
    let given: PolicyRule | undefined;
    for (const rule of this.rulesFor(question.server.slug)) {
      if (!rule.coversItem(question)) continue;
      if (rule.effect === 'allow' && given) continue;
      const { counts } = rule.evaluate(question);
      if (rule.effect === 'deny') {
        if (counts === true) return deny(`The policy ${rule.slug} forbids it.`);
        continue;
      }
      hasPermissions = true;
      if (counts !== false) given = rule;
    }
    if (given) return allow(`The policy ${given.slug} allows it.`);
    if (hasPermissions) return deny('Policies open it to others only.');
    return decideByTeam(question);
  }

  override canUseEndpoint(caller: Caller, endpoint: { readonly id: string; readonly team?: string }): boolean {
    return canUseTeam(caller, endpoint);
  }

  override isUnrestricted({ team, servers }: GuardedEndpoint): boolean {
    const isOpen = (server: GuardedServer) => server.team === undefined && this.rulesFor(server.slug).length === 0;
    return team === undefined && servers.every(isOpen);
  }

  /** Decides, and tells of every rule that names the item. */
  explain(question: AccessQuestion): Explanation {
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
      (policy) => new PolicyRule(policy, policy.when === undefined ? undefined : conditionOf(policy.when)),
    );
  }
}

const canUseTeam = ({ teams, roles }: Caller, { team }: { readonly team?: string }): boolean =>
  team === undefined || teams.includes(team) || roles.includes(ALL_TEAMS_ROLE);

function decideByTeam({ caller, server }: AccessQuestion): AccessDecision {
  if (server.team === undefined) return allow('No policy is about it, and the server belongs to no team.');
  if (!canUseTeam(caller, server)) return deny(`The server belongs to the team ${server.team}.`);
  return allow(`No policy is about it, and the caller may use what belongs to the team ${server.team}.`);
}

const allow = (reason: string): AccessDecision => ({ allowed: true, reason });
const deny = (reason: string): AccessDecision => ({ allowed: false, reason });
