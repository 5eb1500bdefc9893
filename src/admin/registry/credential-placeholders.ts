import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { CREDENTIAL_MEMBERS, EntryInvalid, type Fault } from '../../registry/index.js';

/** Placeholder that masks a credential in a response. When a request sends it back, the stored credential is kept. */
export const CREDENTIAL_PLACEHOLDER = '[kept]';

const NO_STORED_VALUE = `"${CREDENTIAL_PLACEHOLDER}" refers to a stored value, but none exists for this host or program. Send the value itself.`;

/** Masks credentials: the names of headers and variables and the number of arguments stay visible, but no value. */
export function maskCredentials(source: JsonObject): JsonObject {
  const masked = Object.entries(source).map(([member, value]) => [member, isCredential(member) ? mask(value) : value]);
  return Object.fromEntries(masked) as JsonObject;
}

/**
 * Replaces placeholders in an entry by the stored credentials.
 * @throws EntryInvalid when no credential is stored for a placeholder, or only for another server
 */
export function restoreCredentials(sent: JsonObject, stored: JsonObject | undefined): JsonObject {
  const faults: Fault[] = [];
  // A caller who may write an entry but not read its credentials must not redirect them to another destination.
  const isSameDestination =
    stored && credentialDestination(stored) === credentialDestination(sent) && hasSameArguments(sent, stored);
  const previous = isSameDestination ? stored : undefined;
  const restored = Object.entries(sent).map(([member, value]) => [
    member,
    isCredential(member) ? restoreMember(value, previous?.[member], member, faults) : value,
  ]);
  if (faults.length > 0) throw new EntryInvalid(faults);
  return Object.fromEntries(restored) as JsonObject;
}

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

const isCredential = (member: string): boolean => CREDENTIAL_MEMBERS.has(member);

function mask(value: JsonValue | undefined): JsonValue {
  if (Array.isArray(value)) return value.map(() => CREDENTIAL_PLACEHOLDER);
  if (isJsonObject(value)) return Object.fromEntries(Object.keys(value).map((name) => [name, CREDENTIAL_PLACEHOLDER]));
  return CREDENTIAL_PLACEHOLDER;
}

function restoreMember(
  value: JsonValue | undefined,
  stored: JsonValue | undefined,
  path: string,
  faults: Fault[],
): JsonValue {
  if (Array.isArray(value)) {
    const before = Array.isArray(stored) ? stored : [];
    return value.map((each, index) => restoreValue(each, before[index], `${path}.${index}`, faults));
  }
  if (!isJsonObject(value)) return restoreValue(value, stored, path, faults);
  const before = isJsonObject(stored) ? stored : {};
  const entries = Object.entries(value).map(([name, each]) => {
    const own = Object.hasOwn(before, name) ? before[name] : undefined;
    return [name, restoreValue(each, own, `${path}.${name}`, faults)] as const;
  });
  return Object.fromEntries(entries);
}

function restoreValue(
  value: JsonValue | undefined,
  stored: JsonValue | undefined,
  path: string,
  faults: Fault[],
): JsonValue {
  if (value !== CREDENTIAL_PLACEHOLDER) return value ?? null;
  if (stored !== undefined) return stored;
  faults.push({ path, message: NO_STORED_VALUE });
  return null;
}
