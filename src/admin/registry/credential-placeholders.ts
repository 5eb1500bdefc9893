import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import {
  classifiedMembersOf,
  EntryInvalid,
  isHarmless,
  mapCredentials,
  mapValues,
  type Fault,
  type MemberPath,
} from '../../registry/index.js';

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
  if (classifiedMembersOf(sent)) return restoreClassified(sent, stored);
  const before = stored && isSameDestination(sent, stored) ? readValues(stored) : NOTHING_STORED;
  const { restored, missing } = restoreFrom(before, sent, mapCredentials);
  throwIfMissing(missing);
  return restored;
}

/**
 * Of an entry of a kind of an extension, and of the options of a guardrail, any member may name the destination, a credential such as a
 * connection string included, and which members are credentials is known only while the extension is loaded. So a placeholder may be
 * anywhere, and is restored only if the result has exactly the stored members.
 */
function restoreClassified(sent: JsonObject, stored: JsonObject | undefined): JsonObject {
  const { restored, missing, found } = restoreFrom(stored ? readValues(stored) : NOTHING_STORED, sent, mapValues);
  throwIfMissing(missing);
  if (!stored || !hasSameClassifiedMembers(restored, stored)) throwIfMissing(found);
  return restored;
}

const hasSameClassifiedMembers = (one: JsonObject, other: JsonObject): boolean =>
  canonicalJson(classifiedMembersOf(one) ?? null) === canonicalJson(classifiedMembersOf(other) ?? null);

interface Restored {
  readonly restored: JsonObject;
  /** The paths of placeholders for which a value is stored. */
  readonly found: readonly MemberPath[];
  readonly missing: readonly MemberPath[];
}

function restoreFrom(before: StoredValues, sent: JsonObject, map: typeof mapValues): Restored {
  const [found, missing]: [MemberPath[], MemberPath[]] = [[], []];
  const restored = map(sent, (value, path) => {
    if (value !== CREDENTIAL_PLACEHOLDER) return value;
    const known = before.get(toKey(path));
    (known === undefined ? missing : found).push(path);
    return known ?? null;
  });
  return { restored, found, missing };
}

function throwIfMissing(paths: readonly MemberPath[]): void {
  const faults = paths.map((path): Fault => ({
    path: path.filter((step) => step !== '').join('.'),
    message: NO_STORED_VALUE,
  }));
  if (faults.length > 0) throw new EntryInvalid(faults);
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

type StoredValues = ReadonlyMap<string, JsonValue>;

const NOTHING_STORED: StoredValues = new Map();

function readValues(source: JsonObject): StoredValues {
  // While its extension is missing, a URL is masked as a whole.
  const values = new Map<string, JsonValue>([[toKey(['url']), source['url'] ?? null]]);
  mapValues(source, (value, path) => {
    values.set(toKey(path), value);
    return value;
  });
  return values;
}

const toKey = (path: MemberPath): string => JSON.stringify(path);

/** Identifies the host or program that receives the credentials. */
export function credentialDestination(source: JsonObject): string {
  const { url, command, cwd, transport, options } = source;
  const classified = classifiedMembersOf(source);
  const ofOptions =
    transport === undefined && isJsonObject(options) ? toOptionsDestination(source, options) : undefined;
  return canonicalJson([
    toDestination(ofOptions ?? url),
    command ?? null,
    cwd ?? null,
    ...(classified && transport !== undefined ? [withoutCredentials(classified)] : []),
  ]);
}

/** Of a guardrail, the options name the destination, mostly by a URL. */
const toOptionsDestination = (source: JsonObject, { url }: JsonObject): JsonValue =>
  url ?? { options: withoutCredentials(source)['options'] ?? null };

const withoutCredentials = (source: JsonObject): JsonObject => mapCredentials(source, () => null);

/** The origin of a URL. Only URLs of some schemes have one. */
function toDestination(url: JsonValue = null): JsonValue {
  const origin = typeof url === 'string' ? URL.parse(url)?.origin : undefined;
  return origin === undefined || origin === 'null' ? url : origin;
}

/** Arguments belong to the destination, because `node` or `npx` with other arguments is another program. */
function hasSameArguments({ args: sent = [] }: JsonObject, { args: stored = [] }: JsonObject): boolean {
  if (!Array.isArray(sent) || !Array.isArray(stored)) return false;
  return (
    sent.length === stored.length &&
    sent.every((each, index) => each === CREDENTIAL_PLACEHOLDER || each === stored[index])
  );
}
