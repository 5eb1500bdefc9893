import type { AccessRequest, Caller } from '#lib/extension-kit';
import { firstLine, compileGlobs, principalNamesOf, type Condition, type PolicyDefinition } from '../registry/index.js';
import { ItemPatterns, type Coverage } from './item-patterns.js';

/** Whether a rule applies to a question. `maybe`: its condition depends on arguments, which are not known yet. */
export type RuleEvaluation = { readonly counts: boolean | 'maybe'; readonly why: string };

/** A policy with compiled patterns and condition. */
export class PolicyRule {
  readonly slug: string;
  readonly effect: PolicyDefinition['effect'];
  readonly usesArgs: boolean;
  /** True when the rule covers every item of its servers. */
  readonly coversAllItems: boolean;
  private readonly matchesServer: NameMatcher;
  private readonly items: ItemPatterns;

  constructor(
    private readonly definition: PolicyDefinition,
    private readonly condition: Condition | undefined,
  ) {
    const { slug, effect, servers } = definition;
    this.slug = slug;
    this.effect = effect;
    this.usesArgs = condition?.usesArgs ?? false;
    this.matchesServer = servers ? compileGlobs(servers) : MATCH_ALL;
    this.items = new ItemPatterns(definition);
    this.coversAllItems = this.items.coverAllItems;
  }

  appliesToServer(server: string): boolean {
    return this.matchesServer(server);
  }

  /** Which names or forms of the item the rule covers, at a server that it covers. */
  coverageOf(use: Pick<AccessRequest, 'kind' | 'name' | 'shownName' | 'uri'>): Coverage {
    return this.items.coverageOf(use);
  }

  /** Fails closed: a condition that cannot be evaluated makes a `deny` rule apply and an `allow` rule not apply (invariant 2). */
  evaluate({ caller, args }: Pick<AccessRequest, 'caller' | 'args'>): RuleEvaluation {
    const mismatch = this.findMismatch(caller);
    if (mismatch !== undefined) return { counts: false, why: mismatch };
    if (!this.condition) return { counts: true, why: 'it applies to this caller' };
    if (this.usesArgs && args === undefined) return { counts: 'maybe', why: 'its condition depends on the arguments' };
    try {
      const holds = this.condition.evaluate({ claims: caller.claims, args: args ?? {} });
      return { counts: holds, why: holds ? 'its condition holds' : 'its condition does not hold' };
    } catch (fault) {
      return { counts: this.effect === 'deny', why: `its condition cannot be evaluated: ${firstLine(fault)}` };
    }
  }

  private findMismatch(caller: Caller): string | undefined {
    const { roles, teams, scopes, subjects } = this.definition;
    const { principal, key } = caller;
    if (roles && !intersects(roles, caller.roles)) return `the caller has none of the roles ${roles.join(', ')}`;
    if (teams && !intersects(teams, caller.teams))
      return `the caller is a member of none of the teams ${teams.join(', ')}`;
    if (scopes && !intersects(scopes, caller.scopes)) return `the token has none of the scopes ${scopes.join(', ')}`;
    if (subjects && !intersects(subjects, principalNamesOf(principal, key))) return 'it applies to other subjects';
    return undefined;
  }
}

type NameMatcher = (name: string) => boolean;
const MATCH_ALL: NameMatcher = () => true;

const intersects = (some: readonly string[], others: readonly string[]): boolean =>
  some.some((name) => others.includes(name));
