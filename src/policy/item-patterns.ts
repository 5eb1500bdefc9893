import type { ItemKind, ItemUse } from '#lib/extension-kit';
import { compileGlobs, compileQueryPattern, compileUriPatterns, type PolicyDefinition } from '../registry/index.js';

/**
 * Which names of an item a rule covers, as a set of bits: for tools and prompts the own name and the shown name; for resources
 * the canonical, the normal and the decoded form of the URI, some of its aliases, and all of them.
 */
export type Coverage = number;

export const NOTHING: Coverage = 0;
const OWN = 1;
const SHOWN = 2;
const CANONICAL = 1;
const NORMAL = 2;
const DECODED = 4;
const SOME_ALIAS = 8;
const EVERY_ALIAS = 16;
const EVERYTHING: Coverage = OWN | SHOWN | CANONICAL | NORMAL | DECODED | SOME_ALIAS | EVERY_ALIAS;

/** An expression of a URI template (RFC 6570). */
const EXPRESSIONS = /\{[^{}]*\}/g;

type NamedUse = Pick<ItemUse, 'kind' | 'name' | 'shownName' | 'uri'>;
type Matcher = (use: NamedUse) => Coverage;

const COVERS_ALL: Matcher = () => EVERYTHING;
const COVERS_NONE: Matcher = () => NOTHING;

/** The item patterns of a rule. */
export class ItemPatterns {
  /** True when the rule covers every item of its servers. */
  readonly coverAllItems: boolean;
  private readonly matchers: Readonly<Record<ItemKind, Matcher>>;

  constructor({ effect, tools, prompts, resources }: PolicyDefinition) {
    this.coverAllItems = !tools && !prompts && !resources;
    const otherwise = this.coverAllItems ? COVERS_ALL : COVERS_NONE;
    this.matchers = {
      tools: tools ? toNameMatcher(tools) : otherwise,
      prompts: prompts ? toNameMatcher(prompts) : otherwise,
      resources: resources ? toUriMatcher(resources, effect) : otherwise,
    };
  }

  coverageOf(use: NamedUse): Coverage {
    return this.matchers[use.kind](use);
  }
}

/** Combines the `allow` rules of an item that apply to a caller with those that do not. */
export class Permissions {
  private given = NOTHING;
  /** The coverages of rules that do not apply to the caller. */
  private readonly withheld: Coverage[] = [];

  constructor(private readonly kind: ItemKind) {}

  /** True when a rule of this coverage cannot change the result any more. */
  isSatisfied(coverage: Coverage): boolean {
    return this.kind === 'resources'
      ? ((toWithheld(coverage) | toGiven(coverage)) & ~this.given) === 0
      : (coverage & this.given) !== 0;
  }

  give(coverage: Coverage): void {
    this.given |= this.kind === 'resources' ? toGiven(coverage) : coverage;
  }

  withhold(coverage: Coverage): void {
    this.withheld.push(this.kind === 'resources' ? toWithheld(coverage) : coverage);
  }

  /**
   * False when a rule withholds the item. A rule that closes a tool by one of its names is answered only by a rule that gives
   * it by a name which the former covers, too, so renaming never opens what a rule closed. A resource must be given in every
   * form in which a rule closes it.
   */
  get isAllowed(): boolean {
    return this.withheld.every((coverage) =>
      this.kind === 'resources' ? (coverage & ~this.given) === 0 : (coverage & this.given) !== 0,
    );
  }
}

/** A rule gives the aliases of a URI only if it covers all of them. */
const toGiven = (coverage: Coverage): Coverage => (coverage & EVERY_ALIAS ? coverage : coverage & ~SOME_ALIAS);

/** A rule closes a URI by its aliases only if it does not cover the URI itself. */
const toWithheld = (coverage: Coverage): Coverage =>
  coverage & ~EVERY_ALIAS & (coverage & DECODED ? ~SOME_ALIAS : ~NOTHING);

function toNameMatcher(patterns: readonly string[]): Matcher {
  const matches = compileGlobs(patterns);
  return ({ name, shownName }) => {
    const own = matches(name) ? OWN : NOTHING;
    return shownName !== undefined && matches(shownName) ? own | SHOWN : own;
  };
}

/**
 * A `deny` of a template denies what the template can yield: its expressions match any text. A `deny` with a query applies to
 * every order of its parameters.
 */
function toUriMatcher(patterns: readonly string[], effect: PolicyDefinition['effect']): Matcher {
  const isDeny = effect === 'deny';
  const { matchesText, matchesDecoded } = compileUriPatterns(
    isDeny ? patterns.flatMap((pattern) => [pattern, pattern.replaceAll(EXPRESSIONS, '*')]) : patterns,
  );
  const queries = isDeny ? patterns.flatMap((pattern) => compileQueryPattern(pattern) ?? []) : [];
  return ({ uri }) => {
    // A resource without the forms of its URI cannot be judged: denied, and never allowed.
    if (!uri) return isDeny ? EVERYTHING : NOTHING;
    const { canonical, normal, decoded, aliases } = uri;
    return (
      (matchesText(canonical) ? CANONICAL : NOTHING) |
      (matchesText(normal) ? NORMAL : NOTHING) |
      (matchesDecoded(decoded) || queries.some((matches) => matches(decoded)) ? DECODED : NOTHING) |
      toAliasCoverage(aliases.filter(matchesDecoded).length, aliases.length)
    );
  };
}

function toAliasCoverage(matching: number, all: number): Coverage {
  if (matching === 0) return NOTHING;
  return matching === all ? SOME_ALIAS | EVERY_ALIAS : SOME_ALIAS;
}
