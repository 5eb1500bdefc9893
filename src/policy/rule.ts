import type { AccessQuestion, Caller, ItemKind } from '#lib/extension-kit';
import { firstLine, glob, type Condition, type PolicyDefinition } from '../registry/index.js';

/** Whether a rule counts for a question. `maybe`: that depends on arguments, and there are none yet. */
export type Verdict = { readonly counts: boolean | 'maybe'; readonly why: string };

/** A policy, ready to be asked. */
export class Rule {
  readonly slug: string;
  readonly effect: PolicyDefinition['effect'];
  readonly usesArgs: boolean;
  /** It is about every item of its servers. */
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

  /** What cannot be told counts against the caller: no permission follows from it, and every prohibition does. */
  judge({ caller, args }: Pick<AccessQuestion, 'caller' | 'args'>): Verdict {
    const missing = this.missingIn(caller);
    if (missing !== undefined) return { counts: false, why: missing };
    if (!this.condition) return { counts: true, why: 'it is about this caller' };
    if (this.usesArgs && args === undefined) return { counts: 'maybe', why: 'that depends on the arguments' };
    try {
      const holds = this.condition.holds({ claims: caller.claims, args: args ?? {} });
      return { counts: holds, why: holds ? 'its condition holds' : 'its condition does not hold' };
    } catch (fault) {
      return { counts: this.effect === 'deny', why: `its condition cannot be judged: ${firstLine(fault)}` };
    }
  }

  private missingIn(caller: Caller): string | undefined {
    const { roles, teams, scopes, subjects } = this.definition;
    const { principal, key } = caller;
    if (roles && !sharesOne(roles, caller.roles)) return `the caller has none of the roles ${roles.join(', ')}`;
    if (teams && !sharesOne(teams, caller.teams)) return `the caller is in none of the teams ${teams.join(', ')}`;
    if (scopes && !sharesOne(scopes, caller.scopes)) return `the token has none of the scopes ${scopes.join(', ')}`;
    if (subjects && !sharesOne(subjects, [principal.subject, key])) return 'it is about other subjects';
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
