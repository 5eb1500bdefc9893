import { rawInteger, type JsonValue } from './json.js';

/** A text that is no JSON, or JSON that is nested too deep. The message never repeats the text. */
export class JsonFault extends Error {
  constructor(
    readonly reason: 'syntax' | 'depth',
    message: string,
  ) {
    super(message);
    this.name = 'JsonFault';
  }
}

/**
 * Parses a JSON text (RFC 8259). Integers beyond the safe range keep their digits when the value is written out again.
 * Of duplicate keys the last one counts; `__proto__` is a key like any other.
 *
 * @param maxDepth how many arrays and objects may stand inside one another
 * @throws JsonFault and nothing else
 */
export function parseJson(text: string, maxDepth = 64): JsonValue {
  const value = hasLongDigitRun(text) ? parse(text, keepDigits) : parse(text);
  if (!fits(value, maxDepth)) throw new JsonFault('depth', `JSON is nested deeper than ${maxDepth} levels.`);
  return value;
}

function parse(text: string, reviver?: (key: string, value: JsonValue, context?: { source?: string }) => JsonValue) {
  try {
    return JSON.parse(text, reviver) as JsonValue;
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    throw new JsonFault('syntax', position ? `Invalid JSON at character ${position}.` : 'Invalid JSON.');
  }
}

function keepDigits(_key: string, value: JsonValue, context?: { source?: string }): JsonValue {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? rawInteger(source) : value;
}

const LONGEST_SAFE_RUN = 15;

/** True when sixteen digits or more stand in a row. One of them must be every sixteenth character: look only there. */
function hasLongDigitRun(text: string): boolean {
  for (let index = LONGEST_SAFE_RUN; index < text.length; index += LONGEST_SAFE_RUN + 1) {
    if (!isDigitAt(text, index)) continue;
    let first = index;
    while (isDigitAt(text, first - 1)) first -= 1;
    let last = index;
    while (isDigitAt(text, last + 1)) last += 1;
    if (last - first >= LONGEST_SAFE_RUN) return true;
  }
  return false;
}

function isDigitAt(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 48 && code <= 57;
}

function fits(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!fits(item, levels - 1)) return false;
    return true;
  }
  for (const key in value) if (!fits(value[key], levels - 1)) return false;
  return true;
}
