import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '#lib/mcp-protocol';

/** Digest of a value, the same for equal values, whatever the order of their members. */
export const computeJsonDigest = (value: JsonValue): string =>
  createHash('sha256').update(canonicalJson(value)).digest('base64url');
