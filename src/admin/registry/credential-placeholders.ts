import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { EntryInvalid, isHarmless, mapCredentials, type Fault, type MemberPath } from '../../registry/index.js';

/** Placeholder that masks a credential in a response. When a request sends it back, the stored credential is kept. */
export const CREDENTIAL_PLACEHOLDER = '[kept]';

const NO_STORED_VALUE = `"${CREDENTIAL_PLACEHOLDER}" refers to a stored value, but none exists for this host or program. Send the value itself.`;

/**
 * Masks credentials: the names of headers, variables and query parameters and the number of arguments stay visible, and so do
 * references to named secrets, but no value.
 */
export const maskCredentials = (source: JsonObject): JsonObject =>
  mapCredentials(source, (value, path) => (isHarmless(source, value, path) ? value : CREDENTIAL_PLACEHOLDER));

/**
 * Replaces placeholders in an entry by the stored credentials.
 * @throws EntryInvalid when no credential is stored for a placeholder, or only for another server
 */
export function restoreCredentials(sent: JsonObject, stored: JsonObject | undefined): JsonObject {
  const faults: Fault[] = [];
  const before = stored && isSameDestination(sent, stored) ? readCredentials(stored) : new Map<string, JsonValue>();
  const restored = mapCredentials(sent, (value, path) => {
    if (value !== CREDENTIAL_PLACEHOLDER) return value;
    const found = before.get(toKey(path));
    if (found === undefined)
      faults.push({ path: path.filter((step) => step !== '').join('.'), message: NO_STORED_VALUE });
    return found ?? null;
  });
  if (faults.length > 0) throw new EntryInvalid(faults);
  return restored;
}

/** A caller who may write an entry but not read its credentials must not redirect them to another destination. */
const isSameDestination = (sent: JsonObject, stored: JsonObject): boolean =>
  credentialDestination(stored) === credentialDestination(sent) &&
  hasSameArguments(sent, stored) &&
  hasNoFurtherOrigins(sent, stored);

/** A secret may be sent to its origins. */
function hasNoFurtherOrigins({ origins: sent = [] }: JsonObject, { origins: stored = [] }: JsonObject): boolean {
  if (!Array.isArray(sent) || !Array.isArray(stored)) return false;
  return sent.every((origin) => stored.includes(origin));
}

function readCredentials(source: JsonObject): ReadonlyMap<string, JsonValue> {
  const values = new Map<string, JsonValue>();
  mapCredentials(source, (value, path) => {
    values.set(toKey(path), value);
    return value;
  });
  return values;
}

const toKey = (path: MemberPath): string => JSON.stringify(path);

/** Identifies the host or program that receives the credentials. */
export function credentialDestination({ url, command, cwd }: JsonObject): string {
  const origin = typeof url === 'string' ? URL.parse(url)?.origin : undefined;
  return JSON.stringify([origin ?? url ?? null, command ?? null, cwd ?? null]);
}

/** Arguments belong to the destination, because `node` or `npx` with other arguments is another program. */
function hasSameArguments({ args: sent = [] }: JsonObject, { args: stored = [] }: JsonObject): boolean {
  if (!Array.isArray(sent) || !Array.isArray(stored)) return false;
  return (
    sent.length === stored.length &&
    sent.every((each, index) => each === CREDENTIAL_PLACEHOLDER || each === stored[index])
  );
}
