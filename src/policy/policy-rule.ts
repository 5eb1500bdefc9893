import type { AccessQuestion, Caller, ItemKind } from '#lib/extension-kit';
import { firstLine, glob, type Condition, type PolicyDefinition } from '../registry/index.js';

/** Whether a rule counts for a question. `maybe`: that depends on arguments, and there are none yet. */
export type RuleEvaluation = { readonly counts: boolean | 'maybe'; readonly why: string };

/** A policy, ready to be asked. */
export class PolicyRule {
  readonly slug: string;
  readonly effect: PolicyDefinition['effect'];
  readonly usesArgs: boolean;
  /** It is about every item of its servers. */
  readonly coversAllItems: boolean;
  private readonly matchesServer: NameMatcher;
  private readonly matchesItem: Readonly<Record<ItemKind, NameMatcher>>;

  constructor(
    private readonly definition: PolicyDefinition,
    private readonly condition: Condition | undefined,
  ) {
    const { slug, effect, servers, tools, prompts, resources } = definition;
    this.slug = slug;
    this.effect = effect;
    this.usesArgs = condition?.usesArgs ?? false;
    this.coversAllItems = !tools && !prompts && !resources;
    this.matchesServer = servers ? toNameMatcher(servers) : MATCH_ALL;
    const otherwise = this.coversAllItems ? MATCH_ALL : MATCH_NONE;
    const itemsOf = (patterns: readonly string[] | undefined) => (patterns ? toNameMatcher(patterns) : otherwise);
    this.matchesItem = { tools: itemsOf(tools), prompts: itemsOf(prompts), resources: itemsOf(resources) };
  }

  appliesToServer(server: string): boolean {
    return this.matchesServer(server);
  }

  coversItem({ server, kind, name }: Pick<AccessQuestion, 'server' | 'kind' | 'name'>): boolean {
    return this.matchesServer(server.slug) && this.matchesItem[kind](name);
  }

  /** What cannot be told counts against the caller: no permission follows from it, and every prohibition does. */
  evaluate({ caller, args }: Pick<AccessQuestion, 'caller' | 'args'>): RuleEvaluation {
    const missing = this.findMismatch(caller);
    if (missing !== undefined) return { counts: false, why: missing };
    if (!this.condition) return { counts: true, why: 'it is about this caller' };
    if (this.usesArgs && args === undefined) return { counts: 'maybe', why: 'that depends on the arguments' };
    try {
      const holds = this.condition.evaluate({ claims: caller.claims, args: args ?? {} });
      return { counts: holds, why: holds ? 'its condition holds' : 'its condition does not hold' };
    } catch (fault) {
      return { counts: this.effect === 'deny', why: `its condition cannot be judged: ${firstLine(fault)}` };
    }
  }

  private findMismatch(caller: Caller): string | undefined {
    const { roles, teams, scopes, subjects } = this.definition;
    const { principal, key } = caller;
    if (roles && !intersects(roles, caller.roles)) return `the caller has none of the roles ${roles.join(', ')}`;
    if (teams && !intersects(teams, caller.teams)) return `the caller is in none of the teams ${teams.join(', ')}`;
    if (scopes && !intersects(scopes, caller.scopes)) return `the token has none of the scopes ${scopes.join(', ')}`;
    if (subjects && !intersects(subjects, [principal.subject, key])) return 'it is about other subjects';
    return undefined;
  }
}

type NameMatcher = (name: string) => boolean;
const MATCH_ALL: NameMatcher = () => true;
const MATCH_NONE: NameMatcher = () => false;

function toNameMatcher(patterns: readonly string[]): NameMatcher {
  const globs = patterns.map(glob);
  return (name) => globs.some((matches) => matches(name));
}

const intersects = (some: readonly string[], others: readonly string[]): boolean =>
  some.some((name) => others.includes(name));
