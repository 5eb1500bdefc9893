import { RE2JS } from 're2js';
import { SchemaFault } from './schema-fault.js';

export interface LinearPattern {
  test(text: string): boolean;
  toString(): string;
  /** Work of matching one character of a text, in units of the budget of a check. */
  readonly workPerCharacter: number;
}

/**
 * Compiles a pattern for matching in linear time: a caller chooses the text, and a backtracking engine would need years for
 * some pairs of pattern and text. Look-around and back-references do not exist for that reason.
 * @throws SchemaFault
 */
export function compileLinearPattern(pattern: string): LinearPattern {
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    const size = compiled.programSize();
    // An anchored pattern rarely follows more than a few of its repetitions at the same time.
    const workPerCharacter = pattern.startsWith('^') ? Math.max(Math.min(pattern.length, size), size / 16) : size;
    return { test: (text) => compiled.matcher(text).find(), toString: () => `linear ${pattern}`, workPerCharacter };
  } catch {
    const shown = JSON.stringify(pattern.slice(0, 100).toWellFormed());
    throw new SchemaFault(
      `has the pattern ${shown}, which is invalid or uses look-around or a back-reference. Write it without these.`,
    );
  }
}
