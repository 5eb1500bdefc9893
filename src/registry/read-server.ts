import { parseDuration } from '#lib/config';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { RemoteServerEntry, RestServerEntry, StdioServerEntry, TimeoutsEntry, type Scalar } from './entries.js';
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

/** Reads one entry of `servers`. Undefined when it is invalid. */
export function readServer(slug: string, value: JsonValue, faults: Fault[]): ServerDefinition | undefined {
  const path = `servers.${slug}`;
  if (!isJsonObject(value)) {
    faults.push({ path, message: 'must be a mapping.' });
    return undefined;
  }
  switch (value['transport']) {
    case 'stdio':
      return readStdioServer(slug, value, path, faults);
    case 'http':
    case 'sse':
      return readRemoteServer(slug, value, path, faults);
    case 'rest':
      return readRestServer(slug, value, path, faults);
    default:
      faults.push({ path: `${path}.transport`, message: 'must be http, sse, stdio or rest.' });
      return undefined;
  }
}

function readRemoteServer(slug: string, value: JsonObject, path: string, faults: Fault[]): RemoteServer | undefined {
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

function readRestServer(slug: string, value: JsonObject, path: string, faults: Fault[]): RestServer | undefined {
  const entry = readEntry(RestServerEntry, value, path, faults);
  const timeouts = readTimeouts(value, path, REMOTE_CONNECT_TIMEOUT_MS, faults);
  const tools = readTools(value['tools'], `${path}.tools`, faults);
  if (entry === undefined || contradictsItself(entry, path, faults)) return undefined;
  const { transport, url, headers = {} } = entry;
  const common = { ...readCommonMembers(slug, entry), allowUnknownMethods: false, tasks: false };
  return { ...common, timeouts, transport, url, headers: toStrings(headers), tools };
}

function readStdioServer(slug: string, value: JsonObject, path: string, faults: Fault[]): StdioServer | undefined {
  const entry = readEntry(StdioServerEntry, value, path, faults);
  const timeouts = readTimeouts(value, path, STDIO_CONNECT_TIMEOUT_MS, faults);
  if (entry === undefined || contradictsItself(entry, path, faults)) return undefined;
  const { transport, command, args = [], env = {}, cwd } = entry;
  const process = { command, args: args.map(String), env: toStrings(env), ...withoutUndefined({ cwd }) };
  return { ...readMcpMembers(slug, entry), timeouts, transport, ...process };
}

function readCommonMembers(slug: string, entry: RemoteServerEntry | StdioServerEntry | RestServerEntry) {
  const { title, team, tags, toolChanges, enabled = true, public: isPublic = false } = entry;
  const isolation: Isolation | undefined = entry.isolation ?? (entry.shared === true ? 'none' : undefined);
  return { slug, enabled, public: isPublic, ...withoutUndefined({ title, team, tags, toolChanges, isolation }) };
}

function readMcpMembers(slug: string, entry: RemoteServerEntry | StdioServerEntry) {
  const { allowUnknownMethods = false, tasks = false, era = 'auto' } = entry;
  const common = { ...readCommonMembers(slug, entry), allowUnknownMethods, tasks };
  return era === 'auto' ? common : { ...common, era };
}

/** `shared` is the old form of `isolation`: an entry may hold both only if they say the same. */
function contradictsItself(
  { isolation, shared }: RemoteServerEntry | StdioServerEntry | RestServerEntry,
  path: string,
  faults: Fault[],
): boolean {
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
