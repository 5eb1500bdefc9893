import { createHash } from 'node:crypto';
import type { ClientProfile, JsonObject } from '#lib/mcp-protocol';

/** A longer text is replaced by its digest, because clients choose its length. */
const MAX_TEXT_LENGTH = 64;

const keys = new WeakMap<JsonObject, string>();

/** Returns a short key that is equal for clients with equal capabilities. Computed once for each session. */
export function capabilitiesKeyOf({ capabilities }: Pick<ClientProfile, 'capabilities'>): string {
  let key = keys.get(capabilities);
  if (key === undefined) {
    const text = JSON.stringify(capabilities);
    key = text.length <= MAX_TEXT_LENGTH ? text : createHash('sha256').update(text).digest('base64url');
    keys.set(capabilities, key);
  }
  return key;
}
