import { parseJson } from '#lib/mcp-protocol';
import { MAX_JSON_DEPTH } from '../protocol.js';

const NO_BYTES = Buffer.alloc(0);

/**
 * A value as bytes; `undefined` has none.
 *
 * @throws TypeError for a value that JSON cannot hold
 */
export function toJsonBytes(value: unknown): Buffer {
  const text: string | undefined = JSON.stringify(value);
  return text === undefined ? NO_BYTES : Buffer.from(text);
}

/** The value that the bytes stand for, its integers with all their digits; undefined for bytes that are no JSON. */
export function readJson(bytes: Buffer): { readonly value: unknown } | undefined {
  if (bytes.length === 0) return { value: undefined };
  try {
    return { value: parseJson(bytes.toString('utf8'), MAX_JSON_DEPTH) };
  } catch {
    return undefined;
  }
}
