import type { JsonObject } from '#lib/mcp-protocol';
import { mapTexts } from './map-texts.js';
import { joinSpans, replaceSpans, type TextSpan } from './text-spans.js';
import { WORK_PER_CANDIDATE, workOfSearch, type TextWork } from './text-work.js';

/** One search through a text. */
export interface TextSearch {
  /**
   * Finds parts of a text. They may overlap. A generator also yields undefined for each part that it examined in vain: the work can pause
   * wherever it yields.
   *
   * @param name the nearest member that contains the text; undefined for the name of a member
   */
  find(text: string, name: string | undefined): Iterable<TextSpan | undefined>;
  /** The time that a character takes, in proportion to that of a simple search. Default: 1. */
  readonly costPerCharacter?: number;
}

/** Finds the parts of texts and numbers that are masked. */
export interface TextFinder {
  /** The work can pause between searches as well. */
  readonly searches: readonly TextSearch[];
  /** Shorter texts are not searched. Default: 0. */
  readonly minLength?: number;
  /** Returns the kind of a number that is masked as a whole. `digits`: the number as JSON text. Default: none is. */
  findNumber?(digits: string): string | undefined;
}

/** How often a kind was found. */
export interface TextFinding {
  readonly kind: string;
  readonly count: number;
}

export interface MaskedTexts {
  /** The same value if nothing was found. */
  readonly value: JsonObject;
  readonly findings: readonly TextFinding[];
}

/** A number stays a number, so that the value still matches the schema of its tool. */
const MASKED_NUMBER = 0;

/**
 * Replaces what a finder finds: in texts and names of members by the kind in brackets, such as `[email]`, numbers by 0. `doTextWork` does
 * the work.
 */
export function* maskTexts(value: JsonObject, finder: TextFinder): TextWork<MaskedTexts> {
  const counts = new Map<string, number>();
  const count = (kind: string) => counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const masked = yield* mapTexts(value, {
    *text(text, name) {
      const spans = joinSpans(yield* findSpans(text, name, finder));
      for (const { kind } of spans) count(kind);
      return spans.length === 0 ? text : replaceSpans(text, spans, ({ kind }) => `[${kind}]`);
    },
    number(digits) {
      const kind = finder.findNumber?.(digits);
      if (kind === undefined) return undefined;
      count(kind);
      return MASKED_NUMBER;
    },
  });
  return { value: masked, findings: Array.from(counts, ([kind, found]) => ({ kind, count: found })) };
}

function* findSpans(text: string, name: string | undefined, finder: TextFinder): TextWork<readonly TextSpan[]> {
  const { searches, minLength = 0 } = finder;
  const spans: TextSpan[] = [];
  if (text.length < minLength) return spans;
  for (const search of searches) {
    yield workOfSearch(text, search.costPerCharacter ?? 1);
    for (const span of search.find(text, name)) {
      yield WORK_PER_CANDIDATE;
      if (span !== undefined) spans.push(span);
    }
  }
  return spans;
}
