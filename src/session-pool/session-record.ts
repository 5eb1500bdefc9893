import type { Caller, TokenGrants } from '#lib/extension-kit';
import {
  isJsonObject,
  isLogLevel,
  type ClientProfile,
  type JsonObject,
  type JsonValue,
  type LogLevel,
} from '#lib/mcp-protocol';
import type { LogEntry } from './event-log.js';
import { readHeldNotifications, type HeldNotification } from './unsolicited-messages.js';

/** The events of a session's streams, and the position at which each stream continues. */
export interface StreamsSnapshot {
  /** Number of streams so far. The key of the next stream is one more. */
  readonly count: number;
  readonly standing?: { readonly key: number; readonly nextSequence: number };
  /** Oldest first. */
  readonly events: readonly LogEntry[];
}

/**
 * A session as it travels to its new owner, as plain JSON. Contains no token of the client. The upstream sessions and
 * the resource subscriptions travel beside it.
 */
export interface SessionRecord {
  readonly id: string;
  readonly caller: Caller;
  readonly endpoint: string;
  readonly client: ClientProfile;
  /** Milliseconds since the Unix epoch. Absent: a worker of an earlier version wrote the record. */
  readonly startedAt?: number;
  readonly logLevel?: LogLevel;
  readonly streams?: StreamsSnapshot;
  /** Notifications for the first server stream, which the client has not opened yet. */
  readonly held?: readonly HeldNotification[];
}

/**
 * Copies the members of a caller that a session needs without a request: the object may hold more, such as a token. The token of
 * each request decides about revocation and expiry itself.
 */
export function toPlainCaller(caller: Caller): Caller {
  const { principal, key, anonymous, roles, teams, servers, serverIdentities, scopes, claims, grants } = caller;
  const { issuer, subject } = principal;
  const narrowing = { ...(servers && { servers }), ...(serverIdentities && { serverIdentities }) };
  const optional = { ...narrowing, ...(grants && { grants }) };
  return { principal: { issuer, subject }, key, anonymous, roles, teams, scopes, claims, ...optional };
}

/** Parses and validates the record that another worker wrote. Returns undefined for anything else. */
export function readSessionRecord(value: JsonValue | undefined): SessionRecord | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, endpoint, logLevel, startedAt } = value;
  const [caller, client, streams] = [readCaller(value['caller']), readClient(value['client']), value['streams']];
  if (!isString(id) || id === '' || !isString(endpoint) || !caller || !client) return undefined;
  if (logLevel !== undefined && !isLogLevel(logLevel)) return undefined;
  if (startedAt !== undefined && !isCount(startedAt)) return undefined;
  const snapshot = streams === undefined ? undefined : readStreams(streams);
  if (streams !== undefined && !snapshot) return undefined;
  const held = value['held'] === undefined ? undefined : readHeldNotifications(value['held']);
  if (value['held'] !== undefined && !held) return undefined;
  const optional = { ...(logLevel && { logLevel }), ...(snapshot && { streams: snapshot }), ...(held && { held }) };
  return { id, caller, endpoint, client, ...(startedAt !== undefined && { startedAt }), ...optional };
}

function readCaller(value: JsonValue | undefined): Caller | undefined {
  if (!isJsonObject(value)) return undefined;
  const { principal, key, anonymous, roles, teams, servers, serverIdentities, scopes, claims, grants } = value;
  if (!isJsonObject(principal) || !isJsonObject(claims) || ![roles, teams, scopes].every(isStringArray))
    return undefined;
  if (servers !== undefined && !isStringArray(servers)) return undefined;
  const readGrants = grants === undefined ? undefined : readTokenGrants(grants);
  if (grants !== undefined && !readGrants) return undefined;
  if (serverIdentities !== undefined && !isStringArray(serverIdentities)) return undefined;
  const { issuer, subject } = principal;
  if (!isString(issuer) || !isString(subject) || !isString(key) || typeof anonymous !== 'boolean') return undefined;
  const names = { roles, teams, scopes } as Pick<Caller, 'roles' | 'teams' | 'scopes'>;
  const narrowing = { ...(servers && { servers }), ...(serverIdentities && { serverIdentities }) };
  const optional = { ...narrowing, ...(readGrants && { grants: readGrants }) };
  return { principal: { issuer, subject }, key, anonymous, ...names, claims, ...optional };
}

function readTokenGrants(value: JsonValue): TokenGrants | undefined {
  if (!isJsonObject(value)) return undefined;
  const { roles, teams, teamRoles } = value;
  if (!isStringArray(roles) || !isStringArray(teams)) return undefined;
  if (teamRoles === undefined) return { roles, teams };
  return isStringArray(teamRoles) ? { roles, teams, teamRoles } : undefined;
}

function readClient(value: JsonValue | undefined): ClientProfile | undefined {
  if (!isJsonObject(value)) return undefined;
  const { revision, capabilities, clientInfo } = value;
  if (!isString(revision) || !isJsonObject(capabilities)) return undefined;
  if (clientInfo === undefined) return { revision, capabilities };
  return isJsonObject(clientInfo) ? { revision, capabilities, clientInfo } : undefined;
}

function readStreams(value: JsonValue): StreamsSnapshot | undefined {
  if (!isJsonObject(value)) return undefined;
  const { count, standing, events } = value;
  if (!isCount(count) || !Array.isArray(events)) return undefined;
  const entries = events.map(readEntry);
  if (!entries.every((entry) => entry !== undefined && entry.stream <= count)) return undefined;
  const snapshot = { count, events: entries as LogEntry[] };
  if (standing === undefined) return snapshot;
  if (!isJsonObject(standing)) return undefined;
  const { key, nextSequence } = standing;
  if (!isCount(key) || key > count || !isCount(nextSequence)) return undefined;
  return { ...snapshot, standing: { key, nextSequence } };
}

function readEntry(value: JsonValue): LogEntry | undefined {
  if (!isJsonObject(value)) return undefined;
  const { stream, sequence, json, isWithheld }: JsonObject = value;
  if (!isCount(stream) || !isCount(sequence) || !isString(json)) return undefined;
  if (isWithheld !== undefined && typeof isWithheld !== 'boolean') return undefined;
  return { stream, sequence, json, ...(isWithheld && { isWithheld }) };
}

const isString = (value: unknown): value is string => typeof value === 'string';
const isStringArray = (value: unknown): value is string[] => Array.isArray(value) && value.every(isString);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
