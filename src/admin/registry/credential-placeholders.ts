import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { CREDENTIAL_MEMBERS, EntryInvalid, type Fault } from '../../registry/index.js';

/** Stands for a credential: it is shown in its place, and whoever sends it back keeps what is stored. */
export const CREDENTIAL_PLACEHOLDER = '[kept]';

const NOTHING_KEPT =
  `"${CREDENTIAL_PLACEHOLDER}" stands for a stored value, and there is none, or it is for another host or program. ` +
  'Send the value itself.';

/** An entry as it may be shown: names of headers and variables, and how many arguments there are, but no value of them. */
export function maskCredentials(source: JsonObject): JsonObject {
  const shown = Object.entries(source).map(([member, value]) => [member, isCredential(member) ? hidden(value) : value]);
  return Object.fromEntries(shown) as JsonObject;
}

/**
 * An entry with what is stored wherever `CREDENTIAL_PLACEHOLDER` stands.
 * @throws EntryInvalid when nothing is stored there, or for another server
 */
export function restoreCredentials(sent: JsonObject, stored: JsonObject | undefined): JsonObject {
  const faults: Fault[] = [];
  // Whoever may write an entry and may not read it must not have its credentials sent to an address of their choice.
  const isSame = stored && credentialDestination(stored) === credentialDestination(sent) && runsTheSame(sent, stored);
  const known = isSame ? stored : undefined;
  const restored = Object.entries(sent).map(([member, value]) => [
    member,
    isCredential(member) ? restore(value, known?.[member], member, faults) : value,
  ]);
  if (faults.length > 0) throw new EntryInvalid(faults);
  return Object.fromEntries(restored) as JsonObject;
}

/** Who gets the credentials: another one must not be given them unseen. */
export function credentialDestination({ url, command, cwd }: JsonObject): string {
  const origin = typeof url === 'string' ? URL.parse(url)?.origin : undefined;
  return JSON.stringify([origin ?? url ?? null, command ?? null, cwd ?? null]);
}

/** `node` and `npx` run what their arguments say: with other ones it is another program. */
function runsTheSame({ args: sent = [] }: JsonObject, { args: stored = [] }: JsonObject): boolean {
  if (!Array.isArray(sent) || !Array.isArray(stored)) return false;
  return (
    sent.length === stored.length &&
    sent.every((each, index) => each === CREDENTIAL_PLACEHOLDER || each === stored[index])
  );
}

const isCredential = (member: string): boolean => CREDENTIAL_MEMBERS.has(member);

function hidden(value: JsonValue | undefined): JsonValue {
  if (Array.isArray(value)) return value.map(() => CREDENTIAL_PLACEHOLDER);
  if (isJsonObject(value)) return Object.fromEntries(Object.keys(value).map((name) => [name, CREDENTIAL_PLACEHOLDER]));
  return CREDENTIAL_PLACEHOLDER;
}

function restore(
  value: JsonValue | undefined,
  stored: JsonValue | undefined,
  path: string,
  faults: Fault[],
): JsonValue {
  if (Array.isArray(value)) {
    const before = Array.isArray(stored) ? stored : [];
    return value.map((each, index) => kept(each, before[index], `${path}.${index}`, faults));
  }
  if (!isJsonObject(value)) return kept(value, stored, path, faults);
  const before = isJsonObject(stored) ? stored : {};
  const entries = Object.entries(value).map(([name, each]) => {
    const own = Object.hasOwn(before, name) ? before[name] : undefined;
    return [name, kept(each, own, `${path}.${name}`, faults)] as const;
  });
  return Object.fromEntries(entries);
}

function kept(value: JsonValue | undefined, stored: JsonValue | undefined, path: string, faults: Fault[]): JsonValue {
  if (value !== CREDENTIAL_PLACEHOLDER) return value ?? null;
  if (stored !== undefined) return stored;
  faults.push({ path, message: NOTHING_KEPT });
  return null;
}
