import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { CREDENTIAL_MEMBERS, EntryInvalid, type Fault } from '../../registry/index.js';

/** Stands for a credential: it is shown in its place, and whoever sends it back keeps what is stored. */
export const KEPT = '[kept]';

/** An entry as it may be shown: names of headers and variables, and how many arguments there are, but no value of them. */
export function withoutCredentials(written: JsonObject): JsonObject {
  const shown = Object.entries(written).map(([member, value]) => [
    member,
    isCredential(member) ? hidden(value) : value,
  ]);
  return Object.fromEntries(shown) as JsonObject;
}

/**
 * An entry with what is stored wherever `KEPT` stands.
 * @throws EntryInvalid when nothing is stored there
 */
export function withCredentials(sent: JsonObject, stored: JsonObject | undefined): JsonObject {
  const faults: Fault[] = [];
  const restored = Object.entries(sent).map(([member, value]) => [
    member,
    isCredential(member) ? restore(value, stored?.[member], member, faults) : value,
  ]);
  if (faults.length > 0) throw new EntryInvalid(faults);
  return Object.fromEntries(restored) as JsonObject;
}

const isCredential = (member: string): boolean => CREDENTIAL_MEMBERS.has(member);

function hidden(value: JsonValue | undefined): JsonValue {
  if (Array.isArray(value)) return value.map(() => KEPT);
  if (isJsonObject(value)) return Object.fromEntries(Object.keys(value).map((name) => [name, KEPT]));
  return KEPT;
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
  if (value !== KEPT) return value ?? null;
  if (stored !== undefined) return stored;
  faults.push({ path, message: `"${KEPT}" stands for a stored value, and there is none. Send the value itself.` });
  return null;
}
