import { rawNumber, type JsonObject, type JsonValue } from './json.js';
import {
  hasLongDigitRun,
  hasUnusualNumber,
  surveyJson,
  type ExceededBound,
  type JsonBounds,
  type Span,
} from './json-scan.js';

/** A text that is not JSON, or JSON that the gateway rejects. The message never repeats the text. */
export class JsonFault extends Error {
  constructor(
    /** `size`: the text contains more than the bounds allow. */
    readonly reason: 'syntax' | 'depth' | 'size',
    message: string,
  ) {
    super(message);
    this.name = 'JsonFault';
  }
}

/**
 * Bounds for messages of clients and servers. A message at these bounds occupies a processor for about a quarter of a
 * second. They leave room for a list of ten thousand tools and for a vector of a million numbers.
 */
export const MESSAGE_BOUNDS: JsonBounds = {
  depth: 64,
  membersOfObject: 10_000,
  members: 200_000,
  values: 1_000_000,
  longIntegers: 100_000,
  decimalDepth: 3,
};

/** Bounds for JSON that the gateway itself has written: it contains messages that were within their bounds. */
export const ownJsonBounds = (depth: number): JsonBounds => ({
  depth,
  membersOfObject: Infinity,
  members: Infinity,
  values: Infinity,
  longIntegers: Infinity,
  decimalDepth: 0,
});

/** Maximum length of a text that is parsed without a scan, in UTF-16 code units: it can exceed no bound but the depth. */
const MAX_UNSCANNED_LENGTH = 4096;

/**
 * Parses a JSON text (RFC 8259). Integers beyond the safe range, and decimals from a depth on, keep their text when the value is
 * serialized again.
 * The last of duplicate keys wins; `__proto__` is a key like any other.
 *
 * @throws JsonFault and nothing else
 */
export function parseJson(text: string, bounds: JsonBounds = MESSAGE_BOUNDS): JsonValue {
  if (text.length <= MAX_UNSCANNED_LENGTH && !hasLongDigitRun(text) && !hasUnusualNumber(text)) {
    const value = parse(text);
    validateDepth(value, bounds.depth, bounds);
    return value;
  }
  // The parser takes much longer for brackets and keys than for other characters, so count them first.
  const { exceeded, keptNumbers } = surveyJson(text, bounds);
  if (exceeded !== undefined) throw toFault(exceeded, bounds);
  return keptNumbers.length === 0 ? parse(text) : (restore(parseMarked(text, keptNumbers)) ?? null);
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    throw new JsonFault('syntax', position ? `Invalid JSON at character ${position}.` : 'Invalid JSON.');
  }
}

function validateDepth(value: JsonValue | undefined, levels: number, bounds: JsonBounds): void {
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw toFault('depth', bounds);
  if (Array.isArray(value)) {
    for (const item of value) validateDepth(item, levels - 1, bounds);
    return;
  }
  for (const key in value) validateDepth(value[key], levels - 1, bounds);
}

function toFault(exceeded: ExceededBound, bounds: JsonBounds): JsonFault {
  const most = bounds[exceeded].toLocaleString('en');
  switch (exceeded) {
    case 'depth':
      return new JsonFault('depth', `JSON is nested deeper than ${most} levels.`);
    case 'membersOfObject':
      return new JsonFault('size', `JSON contains an object with more than ${most} members.`);
    case 'members':
      return new JsonFault('size', `JSON contains objects with more than ${most} members in total.`);
    case 'values':
      return new JsonFault('size', `JSON contains more than ${most} values.`);
    case 'longIntegers':
      return new JsonFault('size', `JSON contains more than ${most} numbers beyond the range of a double.`);
  }
}

/**
 * Precedes the text of a number that is parsed as a string. It is random, so no input can contain it, and short and
 * without escapes, because a text may contain many of them.
 */
const MARK = `~${crypto.randomUUID().slice(-12)}:`;

/**
 * Parses a text with the numbers at the spans replaced by marked strings. A reviver would need less code, but takes
 * several times as long.
 */
function parseMarked(text: string, spans: readonly Span[]): JsonValue {
  const marked = markSpans(text, spans);
  try {
    return parse(marked);
  } catch {
    // The original text is invalid too, and its error has the position that its author knows.
    return parse(text);
  }
}

const BEYOND_LATIN1 = /[^\0-\xff]/;

/** A native copy of fewer bytes costs more than a loop. */
const MIN_NATIVE_COPY_BYTES = 64;

/** Copies code units: joining or concatenating the parts of a text takes many times as long. */
function markSpans(text: string, spans: readonly Span[]): string {
  const [encoding, width] = BEYOND_LATIN1.test(text) ? (['utf16le', 2] as const) : (['latin1', 1] as const);
  const [source, open, close] = [text, `"${MARK}`, '"'].map((part) => Buffer.from(part, encoding)) as Buffers;
  const marked = Buffer.allocUnsafe(source.length + spans.length * (open.length + close.length));
  let written = 0;
  let read = 0;
  const copy = (from: Buffer, start: number, end: number): void => {
    if (end - start >= MIN_NATIVE_COPY_BYTES) written += from.copy(marked, written, start, end);
    else for (let index = start; index < end; index += 1) marked[written++] = from[index] as number;
  };
  for (const { start, end } of spans) {
    copy(source, read, start * width);
    copy(open, 0, open.length);
    copy(source, start * width, end * width);
    copy(close, 0, close.length);
    read = end * width;
  }
  copy(source, read, source.length);
  return marked.toString(encoding, 0, written);
}

type Buffers = [source: Buffer, open: Buffer, close: Buffer];

/** Replaces the marked strings by numbers, in place. */
function restore(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value === 'string') return value.startsWith(MARK) ? rawNumber(value.slice(MARK.length)) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) restoreItems(value);
  else for (const key in value) restoreMember(value, key);
  return value;
}

function restoreItems(items: JsonValue[]): void {
  for (let index = 0; index < items.length; index += 1) items[index] = restore(items[index]) ?? null;
}

function restoreMember(holder: JsonObject, key: string): void {
  const before = holder[key];
  const after = restore(before);
  if (after === before) return;
  // An assignment to `__proto__` would set the prototype.
  if (key === '__proto__') Object.defineProperty(holder, key, { ...PLAIN_MEMBER, value: after });
  else holder[key] = after;
}

const PLAIN_MEMBER = { enumerable: true, writable: true, configurable: true };
