import { rawInteger, type JsonObject, type JsonValue } from './json.js';
import { hasLongDigitRun, isDeeperThan, findUnsafeIntegers, type Span } from './json-scan.js';

/** A text that is not JSON, or JSON that the gateway rejects. The message never repeats the text. */
export class JsonFault extends Error {
  constructor(
    readonly reason: 'syntax' | 'depth' | 'range',
    message: string,
  ) {
    super(message);
    this.name = 'JsonFault';
  }
}

/**
 * Maximum length of a text whose depth needs no check before parsing, in UTF-16 code units: parsing it is cheap anyway.
 */
const MAX_UNCHECKED_LENGTH = 4096;

/**
 * Parses a JSON text (RFC 8259). Integers beyond the safe range keep their digits when the value is serialized again.
 * The last of duplicate keys wins; `__proto__` is a key like any other.
 *
 * @param maxDepth maximum number of nested arrays and objects
 * @throws JsonFault and nothing else
 */
export function parseJson(text: string, maxDepth = 64): JsonValue {
  // Opening brackets cost the parser many times more than other characters, so check the depth first.
  if (text.length > MAX_UNCHECKED_LENGTH && isDeeperThan(maxDepth, text)) throw tooDeep(maxDepth);
  const spans = hasLongDigitRun(text) ? findUnsafeIntegers(text) : NO_SPANS;
  const value = spans.length === 0 ? parse(text) : parseMarked(text, spans);
  validate(value, maxDepth, maxDepth);
  return spans.length === 0 ? value : (restore(value) ?? null);
}

const NO_SPANS: readonly Span[] = [];

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    throw new JsonFault('syntax', position ? `Invalid JSON at character ${position}.` : 'Invalid JSON.');
  }
}

function validate(value: JsonValue | undefined, levels: number, maxDepth: number): void {
  if (typeof value === 'number') {
    // Serialized again it would become null.
    if (!Number.isFinite(value)) throw new JsonFault('range', 'JSON contains a number that is too large.');
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw tooDeep(maxDepth);
  if (Array.isArray(value)) {
    for (const item of value) validate(item, levels - 1, maxDepth);
    return;
  }
  for (const key in value) validate(value[key], levels - 1, maxDepth);
}

function tooDeep(maxDepth: number): JsonFault {
  return new JsonFault('depth', `JSON is nested deeper than ${maxDepth} levels.`);
}

/** Precedes the digits of an integer that is parsed as a string. It is random, so no input can contain it. */
const MARK = `\u0000${crypto.randomUUID()}:`;
const QUOTED_MARK = JSON.stringify(MARK).slice(0, -1);

/**
 * Parses a text with the integers at the spans replaced by marked strings. A reviver would need less code, but takes
 * eight times as long as the parser itself.
 */
function parseMarked(text: string, spans: readonly Span[]): JsonValue {
  const parts: string[] = [];
  let written = 0;
  for (const { start, end } of spans) {
    parts.push(text.slice(written, start), QUOTED_MARK, text.slice(start, end), '"');
    written = end;
  }
  parts.push(text.slice(written));
  try {
    return parse(parts.join(''));
  } catch {
    // The original text is invalid too, and its error has the position that its author knows.
    return parse(text);
  }
}

/** Replaces the marked strings by integers, in place. */
function restore(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value === 'string') return value.startsWith(MARK) ? rawInteger(value.slice(MARK.length)) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) value.forEach((item, index) => (value[index] = restore(item) ?? null));
  else for (const key in value) restoreMember(value, key);
  return value;
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
