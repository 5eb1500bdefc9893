import type { AccessQuestion, Caller, ItemKind } from '#lib/extension-kit';
import { firstLine, glob, type Condition, type PolicyDefinition } from '../registry/index.js';

/** Whether a rule applies to a question. `maybe`: its condition depends on arguments, which are not known yet. */
export type Verdict = { readonly counts: boolean | 'maybe'; readonly why: string };

/** A policy with compiled patterns and condition. */
export class Rule {
  readonly slug: string;
  readonly effect: PolicyDefinition['effect'];
  readonly usesArgs: boolean;
  /** True when the rule covers every item of its servers. */
  readonly isAboutAll: boolean;
  private readonly isAboutServer: Matches;
  private readonly isAboutItem: Readonly<Record<ItemKind, Matches>>;

  constructor(
    private readonly definition: PolicyDefinition,
    private readonly condition: Condition | undefined,
  ) {
    const { slug, effect, servers, tools, prompts, resources } = definition;
    this.slug = slug;
    this.effect = effect;
    this.usesArgs = condition?.usesArgs ?? false;
    this.isAboutAll = !tools && !prompts && !resources;
    this.isAboutServer = servers ? anyOf(servers) : ALWAYS;
    const otherwise = this.isAboutAll ? ALWAYS : NEVER;
    const itemsOf = (patterns: readonly string[] | undefined) => (patterns ? anyOf(patterns) : otherwise);
    this.isAboutItem = { tools: itemsOf(tools), prompts: itemsOf(prompts), resources: itemsOf(resources) };
  }

  concerns(server: string): boolean {
    return this.isAboutServer(server);
  }

  names({ server, kind, name }: Pick<AccessQuestion, 'server' | 'kind' | 'name'>): boolean {
    return this.isAboutServer(server.slug) && this.isAboutItem[kind](name);
  }

  /** Fails closed: a condition that cannot be evaluated makes a `deny` rule apply and an `allow` rule not apply (invariant 2). */
  judge({ caller, args }: Pick<AccessQuestion, 'caller' | 'args'>): Verdict {
    const mismatch = this.missingIn(caller);
    if (mismatch !== undefined) return { counts: false, why: mismatch };
    if (!this.condition) return { counts: true, why: 'it applies to this caller' };
    if (this.usesArgs && args === undefined) return { counts: 'maybe', why: 'its condition depends on the arguments' };
    try {
      const holds = this.condition.holds({ claims: caller.claims, args: args ?? {} });
      return { counts: holds, why: holds ? 'its condition holds' : 'its condition does not hold' };
    } catch (fault) {
      return { counts: this.effect === 'deny', why: `its condition cannot be evaluated: ${firstLine(fault)}` };
    }
  }

  private missingIn(caller: Caller): string | undefined {
    const { roles, teams, scopes, subjects } = this.definition;
    const { principal, key } = caller;
    if (roles && !sharesOne(roles, caller.roles)) return `the caller has none of the roles ${roles.join(', ')}`;
    if (teams && !sharesOne(teams, caller.teams)) return `the caller is a member of none of the teams ${teams.join(', ')}`;
    if (scopes && !sharesOne(scopes, caller.scopes)) return `the token has none of the scopes ${scopes.join(', ')}`;
    if (subjects && !sharesOne(subjects, [principal.subject, key])) return 'it applies to other subjects';
    return undefined;
  }
}

type Matches = (name: string) => boolean;
const ALWAYS: Matches = () => true;
const NEVER: Matches = () => false;

function anyOf(patterns: readonly string[]): Matches {
  const globs = patterns.map(glob);
  return (name) => globs.some((matches) => matches(name));
}

const sharesOne = (some: readonly string[], others: readonly string[]): boolean =>
  some.some((name) => others.includes(name));
