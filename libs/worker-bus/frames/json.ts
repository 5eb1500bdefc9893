import { ownJsonBounds, parseJson } from '#lib/mcp-protocol';
import { MAX_JSON_DEPTH } from '../protocol.js';

const NO_BYTES = Buffer.alloc(0);
/** A merged list may exceed the bounds of the messages that it was made from. */
const FRAME_BOUNDS = ownJsonBounds(MAX_JSON_DEPTH);

/**
 * Converts a value to bytes; `undefined` becomes no bytes.
 *
 * @throws TypeError for a value that JSON cannot represent
 */
export function toJsonBytes(value: unknown): Buffer {
  const text: string | undefined = JSON.stringify(value);
  return text === undefined ? NO_BYTES : Buffer.from(text);
}

/** Parses bytes to a value whose integers keep all their digits; undefined for bytes that are not JSON. */
export function readJson(bytes: Buffer): { readonly value: unknown } | undefined {
  if (bytes.length === 0) return { value: undefined };
  try {
    return { value: parseJson(bytes.toString('utf8'), FRAME_BOUNDS) };
  } catch {
    return undefined;
  }
}
