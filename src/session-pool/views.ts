/** Sessions and connections as administrators see them: without content, and without ids that grant access. */
import type { PoolEntry } from './pool-entry.js';
import type { Session } from './session.js';

export interface SessionView {
  /** Identifies the session at its worker and grants no access. Later sessions have higher numbers. */
  readonly serial: number;
  /** Key of the caller. */
  readonly caller: string;
  readonly endpoint: string;
  readonly revision: string;
  /** Name of the client program, as the client reports it. */
  readonly client?: string;
  readonly transport: 'http' | 'sse';
  /** Milliseconds since the Unix epoch. */
  readonly lastUsedAt: number;
  readonly callsInFlight: number;
  /** True if a client is attached to the standing stream. */
  readonly isAttached: boolean;
}

export interface UpstreamView {
  /** Identifies the connection at its worker. */
  readonly serial: number;
  readonly server: string;
  readonly era: string;
  readonly revision: string;
  /** The group of clients that share the connection. */
  readonly among: 'all' | 'principal' | 'session';
  /** Number of calls and subscriptions that use it now. */
  readonly users: number;
  /** Time of last use, in milliseconds since the Unix epoch. Absent while the connection is in use. */
  readonly idleSince?: number;
  /** Incarnation of the worker that owns the connection, if that is another one. */
  readonly place?: string;
}

/** One page of a list that is ordered by serial number. */
export interface ViewPage {
  /** The page starts after this serial number; 0 for the first page. */
  readonly after: number;
  readonly limit: number;
}

export function toSessionView(session: Session): SessionView {
  const { serial, start, client, lastUsedAt, callsInFlight, standingStream } = session;
  const name = client.clientInfo?.['name'];
  return {
    serial,
    caller: start.caller.key,
    endpoint: start.endpoint,
    revision: client.revision,
    ...(typeof name === 'string' && { client: truncateLabel(name) }),
    transport: start.answersOnStandingStream ? 'sse' : 'http',
    lastUsedAt,
    callsInFlight,
    isAttached: standingStream?.isAttached === true,
  };
}

/** Returns undefined for a connection that is still being opened or serves only one call. */
export function toUpstreamView(entry: PoolEntry): UpstreamView | undefined {
  const { serial, server, connection, sharing, users, idleSince, remoteWorker, isIdle } = entry;
  if (!connection || !sharing) return undefined;
  const { era, revision } = connection.profile;
  return {
    serial,
    server: server.slug,
    era,
    revision,
    among: sharing.sharedBy,
    users,
    ...(isIdle && { idleSince }),
    ...(remoteWorker !== undefined && { place: remoteWorker }),
  };
}

const MAX_LABEL_LENGTH = 200;

/** Truncates a text of the client, which may be as long as a message. */
export const truncateLabel = (text: string): string =>
  text.length > MAX_LABEL_LENGTH ? `${text.slice(0, MAX_LABEL_LENGTH)}…` : text;

/** Returns one page of the items, which are ordered by serial number. */
export function toPage<T extends { readonly serial: number }>(items: Iterable<T>, { after, limit }: ViewPage): T[] {
  const page: T[] = [];
  for (const item of items) {
    if (item.serial > after) page.push(item);
    if (page.length === limit) break;
  }
  return page;
}
