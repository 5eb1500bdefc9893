/**
 * Scans of a JSON text without parsing it. Both scans skip strings and assume nothing else: on a text that is not JSON
 * they return an arbitrary result, and the parser reports the error.
 */

/** A range of a text: from `start` (inclusive) to `end` (exclusive). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** True as soon as more than `maxDepth` arrays and objects are open at once. */
export function isDeeperThan(maxDepth: number, text: string): boolean {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) index = closingQuote(text, index);
    else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) depth -= 1;
  }
  return false;
}

/** Finds the integers of a text that a double cannot represent exactly, in order. */
export function findUnsafeIntegers(text: string): Span[] {
  const spans: Span[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) index = closingQuote(text, index);
    else if (isPartOfNumber(code)) {
      const start = index;
      while (isPartOfNumber(text.charCodeAt(index + 1))) index += 1;
      const span = { start, end: index + 1 };
      if (isUnsafeInteger(text, span)) spans.push(span);
    }
  }
  return spans;
}

const MAX_SAFE_DIGITS = 15;
const INTEGER = /^-?[1-9]\d*$/;
const COLON_FOLLOWS = /\s*:/y;

function isUnsafeInteger(text: string, { start, end }: Span): boolean {
  if (end - start <= MAX_SAFE_DIGITS) return false;
  const digits = text.slice(start, end);
  if (!INTEGER.test(digits) || Number.isSafeInteger(Number(digits))) return false;
  // A number in place of a key is a syntax error, and must stay one.
  COLON_FOLLOWS.lastIndex = end;
  return !COLON_FOLLOWS.test(text);
}

/**
 * True if the text contains a run of sixteen or more digits anywhere, strings included. Such a run covers an index that
 * is 15 modulo 16, so only those indices are checked.
 */
export function hasLongDigitRun(text: string): boolean {
  for (let index = MAX_SAFE_DIGITS; index < text.length; index += MAX_SAFE_DIGITS + 1) {
    if (!isDigit(text.charCodeAt(index))) continue;
    let first = index;
    while (isDigit(text.charCodeAt(first - 1))) first -= 1;
    let last = index;
    while (isDigit(text.charCodeAt(last + 1))) last += 1;
    if (last - first >= MAX_SAFE_DIGITS) return true;
  }
  return false;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Digits, `+`, `-`, `.`, `e`, `E`. False for NaN, which `charCodeAt` returns beyond the end. */
function isPartOfNumber(code: number): boolean {
  return isDigit(code) || code === 45 || code === 46 || code === 43 || code === 101 || code === 69;
}

/** Returns the index of the quote that closes the string opened at `open`; the length of the text if none does. */
function closingQuote(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); close !== -1; close = text.indexOf('"', close + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(close - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return close;
  }
  return text.length;
}
