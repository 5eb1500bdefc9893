import { Injectable } from '@nestjs/common';
import {
  AccessPolicy,
  type AccessDecision,
  type AccessExplanation,
  type AccessRequest,
  type Caller,
  type GuardedEndpoint,
  type GuardedServer,
  type AccessScope,
} from '#lib/extension-kit';
import { readResourceUri } from '#lib/mcp-protocol';
import { parseCondition, ServerRegistry, type PolicyDefinition } from '../registry/index.js';
import { NOTHING, Permissions } from './item-patterns.js';
import { PolicyRule } from './policy-rule.js';

/** Maximum number of servers whose rules are cached. */
const MAX_SERVERS = 10_000;

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

  override decide(request: AccessRequest): AccessDecision {
    const use = withUri(request);
    if (!use) return deny('The URI is malformed.');
    let permissions: Permissions | undefined;
    let given: PolicyRule | undefined;
    for (const rule of this.rulesFor(use.server.slug)) {
      const coverage = rule.coverageOf(use);
      if (coverage === NOTHING) continue;
      if (rule.effect === 'deny') {
        if (rule.evaluate(use).counts === true) return deny(`The policy ${rule.slug} denies it.`);
        continue;
      }
      permissions ??= new Permissions(use.kind);
      if (permissions.isSatisfied(coverage)) continue;
      if (rule.evaluate(use).counts === false) {
        permissions.withhold(coverage);
        continue;
      }
      permissions.give(coverage);
      given ??= rule;
    }
    if (permissions?.isAllowed === false) return deny('Policies allow it to other callers only.');
    return given ? allow(`The policy ${given.slug} allows it.`) : decideByTeam(use);
  }

  override canUseEndpoint(caller: Caller, endpoint: { readonly id: string; readonly team?: string }): boolean {
    return canUseTeam(caller, endpoint);
  }

  override isUnrestricted({ team, servers }: GuardedEndpoint): boolean {
    const isOpen = (server: GuardedServer) => server.team === undefined && this.rulesFor(server.slug).length === 0;
    return team === undefined && servers.every(isOpen);
  }

  /** Decides, and returns the result of every rule that covers the item. */
  override explain(request: AccessRequest): AccessExplanation {
    const use = withUri(request);
    const covering = use ? this.rulesFor(use.server.slug).filter((rule) => rule.coverageOf(use) !== NOTHING) : [];
    const rules = covering.map((rule) => ({ policy: rule.slug, effect: rule.effect, ...rule.evaluate(request) }));
    return { ...this.decide(request), rules };
  }

  private rulesFor(server: string): readonly PolicyRule[] {
    const { policies } = this.registry.snapshot;
    if (policies !== this.builtFrom) this.rebuild(policies);
    if (this.rules.length === 0) return this.rules;
    const known = this.rulesByServer.get(server);
    if (known) return known;
    const rules = this.rules.filter((rule) => rule.appliesToServer(server));
    if (this.rulesByServer.size >= MAX_SERVERS) this.rulesByServer.clear();
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

/** Adds the forms of the URI to a request that has none. Undefined for a malformed URI, which no rule can judge. */
function withUri(request: AccessRequest): AccessRequest | undefined {
  if (request.kind !== 'resources' || request.uri) return request;
  const uri = readResourceUri(request.name, request.isTemplate);
  return 'fault' in uri ? undefined : { ...request, uri };
}

const allow = (reason: string): AccessDecision => ({ allowed: true, reason });
const deny = (reason: string): AccessDecision => ({ allowed: false, reason });
