import { parseDuration } from '#lib/config';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  ContributedServerEntry,
  RemoteServerEntry,
  RestServerEntry,
  StdioServerEntry,
  TimeoutsEntry,
  type CommonServerEntry,
  type Scalar,
} from './entries.js';
import { withoutUndefined, readEntry } from './read-entry.js';
import type { Fault } from './registry.errors.js';
import { readTools } from './read-tools.js';
import type {
  Isolation,
  RemoteServer,
  RestServer,
  ServerDefinition,
  ServerTimeouts,
  StdioServer,
} from './server-definition.js';

const REMOTE_CONNECT_TIMEOUT_MS = 10_000;
/** A package runner may have to download the server first. */
const STDIO_CONNECT_TIMEOUT_MS = 60_000;
/** Longer than the usual timeout of clients, so that a call does not time out in the gateway first. */
const REQUEST_TIMEOUT_MS = 300_000;

/** Reads one entry of a kind of server. Undefined when it is invalid. */
export type ServerReader = (
  slug: string,
  value: JsonObject,
  path: string,
  faults: Fault[],
) => ServerDefinition | undefined;

export function readRemoteServer(
  slug: string,
  value: JsonObject,
  path: string,
  faults: Fault[],
): RemoteServer | undefined {
  const entry = readEntry(RemoteServerEntry, value, path, faults);
  const timeouts = readTimeouts(value, path, REMOTE_CONNECT_TIMEOUT_MS, faults);
  if (entry === undefined || contradictsItself(entry, path, faults)) return undefined;
  const { transport, url, headers = {} } = entry;
  if (transport === 'sse' && entry.era === 'modern') {
    faults.push({ path: `${path}.era`, message: 'must not be modern: HTTP+SSE belongs to the legacy era.' });
    return undefined;
  }
  return { ...readMcpMembers(slug, entry), timeouts, transport, url, headers: toStrings(headers) };
}

export function readRestServer(slug: string, value: JsonObject, path: string, faults: Fault[]): RestServer | undefined {
  const entry = readEntry(RestServerEntry, value, path, faults);
  const timeouts = readTimeouts(value, path, REMOTE_CONNECT_TIMEOUT_MS, faults);
  const tools = readTools(value['tools'], `${path}.tools`, faults);
  if (entry === undefined || contradictsItself(entry, path, faults)) return undefined;
  const { transport, url, headers = {}, healthPath } = entry;
  const common = { ...readCommonMembers(slug, entry), allowUnknownMethods: false, tasks: false };
  const target = { transport, url, headers: toStrings(headers), ...withoutUndefined({ healthPath }) };
  return { ...common, timeouts, ...target, tools };
}

export function readStdioServer(
  slug: string,
  value: JsonObject,
  path: string,
  faults: Fault[],
): StdioServer | undefined {
  const entry = readEntry(StdioServerEntry, value, path, faults);
  const timeouts = readTimeouts(value, path, STDIO_CONNECT_TIMEOUT_MS, faults);
  if (entry === undefined || contradictsItself(entry, path, faults)) return undefined;
  const { transport, command, args = [], env = {}, cwd } = entry;
  const process = { command, args: args.map(String), env: toStrings(env), ...withoutUndefined({ cwd }) };
  return { ...readMcpMembers(slug, entry), timeouts, transport, ...process };
}

/** Reads the members that an entry of a kind of an extension shares with all servers. */
export function readContributedMembers(slug: string, value: JsonObject, path: string, faults: Fault[]) {
  const entry = readEntry(ContributedServerEntry, value, path, faults);
  const timeouts = readTimeouts(value, path, REMOTE_CONNECT_TIMEOUT_MS, faults);
  if (entry === undefined || contradictsItself(entry, path, faults)) return undefined;
  return { ...readCommonMembers(slug, entry), allowUnknownMethods: false, tasks: false, timeouts };
}

function readCommonMembers(slug: string, entry: CommonServerEntry) {
  const { title, team, tags, toolChanges, audit, auditArguments, enabled = true, public: isPublic = false } = entry;
  const isolation: Isolation | undefined = entry.isolation ?? (entry.shared === true ? 'none' : undefined);
  const healthIntervalMs = parseDuration(entry.healthInterval ?? '');
  const optional = withoutUndefined({
    title,
    team,
    tags,
    toolChanges,
    isolation,
    healthIntervalMs,
    audit,
    auditArguments,
  });
  return { slug, enabled, public: isPublic, ...optional };
}

function readMcpMembers(slug: string, entry: RemoteServerEntry | StdioServerEntry) {
  const { allowUnknownMethods = false, tasks = false, era = 'auto' } = entry;
  const common = { ...readCommonMembers(slug, entry), allowUnknownMethods, tasks };
  return era === 'auto' ? common : { ...common, era };
}

/** `shared` is the old form of `isolation`: an entry may hold both only if they say the same. */
function contradictsItself({ isolation, shared }: CommonServerEntry, path: string, faults: Fault[]): boolean {
  if (isolation === undefined || shared === undefined || (isolation === 'none') === shared) return false;
  const message = `contradicts shared: ${shared}, which is the old form of isolation. Remove shared.`;
  faults.push({ path: `${path}.isolation`, message });
  return true;
}

function readTimeouts(value: JsonObject, path: string, connectMs: number, faults: Fault[]): ServerTimeouts {
  const entry = readEntry(TimeoutsEntry, value['timeouts'] ?? {}, `${path}.timeouts`, faults);
  const requestMs = parseDuration(entry?.request ?? '') ?? REQUEST_TIMEOUT_MS;
  const maximumMs = parseDuration(entry?.maximum ?? '');
  if (maximumMs !== undefined && maximumMs < requestMs)
    faults.push({ path: `${path}.timeouts.maximum`, message: 'must be at least as long as request' });
  return {
    connectMs: parseDuration(entry?.connect ?? '') ?? connectMs,
    requestMs,
    ...(maximumMs !== undefined && { maximumMs }),
  };
}

const toStrings = (values: Readonly<Record<string, Scalar>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
