import { ValidateBy } from 'class-validator';
import { RE2JS } from 're2js';

/** A part of a text that a pattern matches: from `start` (inclusive) to `end` (exclusive). */
export interface PatternMatch {
  readonly start: number;
  readonly end: number;
}

/** A regular expression that takes linear time, whatever the pattern and the text. */
export interface LinearPattern {
  test(text: string): boolean;
  /** All matches, from left to right, each searched when it is taken. Empty ones are left out. */
  findAll(text: string): Iterable<PatternMatch>;
  /** The time that a character takes, in proportion to that of a simple search (`TextSearch`). */
  readonly costPerCharacter: number;
}

/** Of the smallest pattern, and of a state of a larger one. */
const MIN_COST = 4;
const COST_PER_STATE = 1 / 8;

/**
 * Compiles a pattern in the syntax of JavaScript, without look-around and back-references, which no engine evaluates in linear
 * time. Patterns of a configuration run on this engine alone: a backtracking one needs years for some pairs of pattern and text.
 *
 * @example `compileLinearPattern('(?i)employee-\\d{6}').test('Employee-123456')`
 * @throws SyntaxError for a pattern that is invalid or needs backtracking
 */
export function compileLinearPattern(pattern: string): LinearPattern {
  const compiled = compile(pattern);
  return {
    test: (text) => compiled.matcher(text).find(),
    *findAll(text) {
      const matcher = compiled.matcher(text);
      while (matcher.find()) {
        const [start, end] = [matcher.start(), matcher.end()];
        if (end > start) yield { start, end };
      }
    },
    costPerCharacter: Math.max(MIN_COST, compiled.programSize() * COST_PER_STATE),
  };
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch {
    throw new SyntaxError('The pattern is invalid, or uses look-around or a back-reference. Write it without these.');
  }
}

/** Bounds of a pattern in options: a match may take time in proportion to its states for every character of the text. */
const MAX_PATTERN_LENGTH = 500;
const MAX_COST = 125;

/** Validates options: a pattern, or each of a list of patterns (`{ each: true }`), for `compileLinearPattern`. */
export const IsLinearPattern = (options: { readonly each?: boolean } = {}): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isLinearPattern',
      validator: {
        validate: isLinearPattern,
        defaultMessage: () =>
          `must be a regular expression of at most ${MAX_PATTERN_LENGTH} characters, without look-around, back-references ` +
          'and large counts, that does not match the empty text',
      },
    },
    { ...options },
  );

function isLinearPattern(value: unknown): boolean {
  if (typeof value !== 'string' || value === '' || value.length > MAX_PATTERN_LENGTH) return false;
  try {
    const pattern = compileLinearPattern(value);
    return pattern.costPerCharacter <= MAX_COST && !pattern.test('');
  } catch {
    return false;
  }
}
