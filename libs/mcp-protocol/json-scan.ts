/**
 * A scan of a JSON text without parsing it. It skips strings and assumes nothing else: on a text that is not JSON it
 * returns an arbitrary result, and the parser reports the error.
 */

/** A range of a text: from `start` (inclusive) to `end` (exclusive). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What one JSON text may contain at most. The time that a text takes grows with these numbers rather than with its length. */
export interface JsonBounds {
  /** Nested arrays and objects. */
  readonly depth: number;
  /** Members of one object. */
  readonly membersOfObject: number;
  /**
   * Members of all objects together. Members of a small object do not count if the text contains an object that begins
   * with the same keys: rows of a table take little time.
   */
  readonly members: number;
  /** Values of any type. An empty array counts as two. */
  readonly values: number;
  /** Integers that a double cannot represent exactly, and numbers that are too large for one. */
  readonly longIntegers: number;
  /**
   * Decimals within this number of arrays and objects keep their text: those of arguments and results, not those of the protocol
   * itself, which the gateway reads.
   */
  readonly decimalDepth: number;
}

/** A bound that a text can exceed. */
export type ExceededBound = Exclude<keyof JsonBounds, 'decimalDepth'>;

/** What a text contains, as far as the parser must know it beforehand. */
export interface JsonSurvey {
  /** The first bound that the text exceeds. The scan ends there. */
  readonly exceeded: ExceededBound | undefined;
  /** The numbers that keep their text, in order. */
  readonly keptNumbers: readonly Span[];
}

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const ZERO = 48;
const COLON = 58;
const BACKSLASH = 92;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

const MAX_SAFE_DIGITS = 15;
const MAX_SAFE_INTEGER = String(Number.MAX_SAFE_INTEGER);
/** A number with a shorter text, and an exponent of at most two digits, is finite. */
const MIN_INFINITE_LENGTH = 200;
const MAX_FINITE_EXPONENT_LENGTH = 3;
/**
 * Maximum number of decimals whose text is examined. Of a longer table no decimal keeps its text: as numbers its values stay the
 * same, apart from digits that a double cannot hold.
 */
const MAX_DECIMALS = 20_000;
/** A number as JSON allows it (RFC 8259, 6). */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** In place of a number of members. */
const IS_ARRAY = -1;
/** The length of `"":0` */
const MIN_MEMBER_LENGTH = 4;
/** The engine gives larger objects a hash table each, so equal keys save no time. */
const MAX_ROW_MEMBERS = 64;

/** Scans a text until it ends or exceeds a bound. */
export function surveyJson(text: string, bounds: JsonBounds): JsonSurvey {
  return new JsonScanner(text, bounds).scan();
}

class JsonScanner implements JsonSurvey {
  exceeded: ExceededBound | undefined;
  private readonly kept: (Span & { readonly isDecimal: boolean })[] = [];
  private longIntegers = 0;
  private decimals = 0;
  private depth = 0;
  private members = 0;
  private values = 1;
  /** For each open array and object: its number of members. */
  private readonly open: Int32Array;
  /** Undefined for a text that is too short to contain too many members. */
  private readonly shapes: ObjectShapes | undefined;
  /** The last string. */
  private quote = 0;
  private closing = 0;

  constructor(
    private readonly text: string,
    private readonly bounds: JsonBounds,
  ) {
    this.open = new Int32Array(bounds.depth + 1);
    if (text.length > bounds.members * MIN_MEMBER_LENGTH) this.shapes = new ObjectShapes(bounds.depth);
  }

  get keptNumbers(): readonly Span[] {
    return this.decimals > MAX_DECIMALS ? this.kept.filter(({ isDecimal }) => !isDecimal) : this.kept;
  }

  scan(): this {
    const { text } = this;
    for (let index = 0; index < text.length && this.exceeded === undefined; index += 1) {
      const code = text.charCodeAt(index);
      if (code === QUOTE) index = this.skipString(index);
      else if (isDigit(code) || code === MINUS) index = this.scanNumber(index);
      else if (code === COMMA) this.countItem();
      else if (code === COLON) this.countMember();
      else if (code === OPEN_OBJECT) this.enter(0);
      else if (code === OPEN_ARRAY) this.enter(IS_ARRAY);
      else if ((code === CLOSE_OBJECT || code === CLOSE_ARRAY) && this.depth > 0) this.depth -= 1;
    }
    return this;
  }

  private skipString(quote: number): number {
    this.quote = quote;
    this.closing = closingQuote(this.text, quote);
    return this.closing;
  }

  private enter(members: number): void {
    if (this.depth === this.bounds.depth) this.exceeded = 'depth';
    else this.open[(this.depth += 1)] = members;
    this.shapes?.begin(this.depth);
    if (members === IS_ARRAY) this.countValue();
  }

  private countItem(): void {
    if (this.open[this.depth] === IS_ARRAY) this.countValue();
  }

  private countMember(): void {
    const members = (this.open[this.depth] ?? 0) + 1;
    this.open[this.depth] = members;
    this.countValue();
    if (members > this.bounds.membersOfObject) this.exceeded = 'membersOfObject';
    if (this.shapes === undefined) return;
    const isNew = this.shapes.extend(this.depth, this.text, this.quote, this.closing);
    if (isNew || members > MAX_ROW_MEMBERS) this.members += 1;
    if (this.members > this.bounds.members) this.exceeded = 'members';
  }

  private countValue(): void {
    this.values += 1;
    if (this.values > this.bounds.values) this.exceeded = 'values';
  }

  /** Returns the index of the last character of the number that begins at `start`. */
  private scanNumber(start: number): number {
    const { text } = this;
    const digits = text.charCodeAt(start) === MINUS ? start + 1 : start;
    let end = digits;
    while (isDigit(text.charCodeAt(end))) end += 1;
    if (isFractionOrExponent(text.charCodeAt(end))) {
      let exponent = Infinity;
      for (; isPartOfNumber(text.charCodeAt(end)); end += 1) if (isExponent(text.charCodeAt(end))) exponent = end;
      this.keepDecimal({ start, end }, end - exponent > MAX_FINITE_EXPONENT_LENGTH, exponent !== Infinity);
    } else if (end - digits > MAX_SAFE_DIGITS && isUnsafeInteger(text, digits, end)) this.keepLongInteger(start, end);
    else if (digits > start && end - digits === 1 && text.charCodeAt(digits) === ZERO)
      this.keepDecimal({ start, end }, false, true);
    return Math.max(start, end - 1);
  }

  private keepLongInteger(start: number, end: number): void {
    this.kept.push({ start, end, isDecimal: false });
    this.longIntegers += 1;
    if (this.longIntegers > this.bounds.longIntegers) this.exceeded = 'longIntegers';
  }

  /** Keeps the text of a number that would be written in another way. */
  private keepDecimal({ start, end }: Span, hasLongExponent: boolean, isUnusual: boolean): void {
    const mayBeInfinite = hasLongExponent || end - start > MIN_INFINITE_LENGTH;
    const isContent = this.depth >= this.bounds.decimalDepth && this.decimals <= MAX_DECIMALS;
    if (!mayBeInfinite && (!isContent || (!isUnusual && isShortDecimal(this.text, start, end)))) return;
    const token = this.text.slice(start, end);
    if (!NUMBER.test(token) || isKey(this.text, end)) return;
    const value = Number(token);
    if (!Number.isFinite(value)) return this.keepLongInteger(start, end);
    if (!isContent) return;
    this.decimals += 1;
    if (String(value) !== token) this.kept.push({ start, end, isDecimal: true });
  }
}

/** True for a decimal that is surely written as it was read. */
function isShortDecimal(text: string, start: number, end: number): boolean {
  return (
    end - start <= MAX_SAFE_DIGITS + 1 &&
    text.charCodeAt(end - 1) !== ZERO &&
    !text.startsWith('0.0000', text.charCodeAt(start) === MINUS ? start + 1 : start)
  );
}

const UNUSUAL_NUMBER =
  /(?:^|[:,[\s])-?(?:\d+\.\d*0(?!\d)|\d+(?:\.\d+)?[eE]|0\.0000|(?=[\d.]{16})\d+\.\d|(?<=-)0(?![\d.]))/;

/** True if the text may contain a number that keeps its text, beside long runs of digits. */
export const hasUnusualNumber = (text: string): boolean => UNUSUAL_NUMBER.test(text);

/** Recognizes objects that begin with the same keys, by a hash of these keys. */
class ObjectShapes {
  /** For each open object: the hash of its keys so far. */
  private readonly hashes: Int32Array;
  /** The last hash of each slot. An evicted hash counts as new again. */
  private readonly known = new Int32Array(SHAPE_SLOTS);

  constructor(depth: number) {
    this.hashes = new Int32Array(depth + 1);
  }

  begin(depth: number): void {
    this.hashes[depth] = SEED;
  }

  /** Adds a key to the open object of this depth. Returns whether no other object began with the same keys. */
  extend(depth: number, text: string, start: number, end: number): boolean {
    let hash = this.hashes[depth] ?? 0;
    for (let index = start; index < end; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), HASH_PRIME);
    this.hashes[depth] = hash;
    const slot = (hash ^ (hash >>> 16)) & (SHAPE_SLOTS - 1);
    if (this.known[slot] === hash) return false;
    this.known[slot] = hash;
    return true;
  }
}

/** A power of two. */
const SHAPE_SLOTS = 65_536;
/** FNV-1a, with a random start so that nobody can construct equal hashes. */
const HASH_PRIME = 0x01000193;
const SEED = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;

function isUnsafeInteger(text: string, start: number, end: number): boolean {
  const length = end - start;
  // With a leading zero it is a syntax error, and must stay one.
  if (text.startsWith('0', start)) return false;
  if (length === MAX_SAFE_INTEGER.length && text.slice(start, end) <= MAX_SAFE_INTEGER) return false;
  return !isKey(text, end);
}

/** True for a number in place of a key, which is a syntax error and must stay one. */
function isKey(text: string, end: number): boolean {
  let next = end;
  while (isWhitespace(text.charCodeAt(next))) next += 1;
  return text.charCodeAt(next) === COLON;
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

/** `e`, `E` */
function isExponent(code: number): boolean {
  return code === 101 || code === 69;
}

/** `.`, `e`, `E` */
function isFractionOrExponent(code: number): boolean {
  return code === 46 || isExponent(code);
}

/** Digits, `+`, `-`, `.`, `e`, `E`. False for NaN, which `charCodeAt` returns beyond the end. */
function isPartOfNumber(code: number): boolean {
  return isDigit(code) || code === MINUS || code === 43 || isFractionOrExponent(code);
}

/** The whitespace of JSON (RFC 8259, 2). */
function isWhitespace(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
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
