/** What is shown of sessions and connections to those who look after the gateway: no id that opens anything, no content. */
import type { PoolEntry } from './pool-entry.js';
import type { Session } from './session.js';

export interface SessionView {
  /** Names it at its worker; it opens nothing. Later ones have higher numbers. */
  readonly serial: number;
  /** Key of the caller. */
  readonly caller: string;
  readonly endpoint: string;
  readonly revision: string;
  /** Name of the client's program, as it says. */
  readonly client?: string;
  readonly transport: 'http' | 'sse';
  /** Milliseconds since the Unix epoch. */
  readonly lastUsedAt: number;
  readonly callsInFlight: number;
  /** A client listens to what belongs to no call. */
  readonly isAttached: boolean;
}

export interface UpstreamView {
  /** Names it at its worker. */
  readonly serial: number;
  readonly server: string;
  readonly era: string;
  readonly revision: string;
  /** Who may use it. */
  readonly among: 'all' | 'principal' | 'session';
  /** Calls and subscriptions that use it now. */
  readonly users: number;
  /** Milliseconds since the Unix epoch; nobody has used it since. Absent while somebody does. */
  readonly idleSince?: number;
  /** Incarnation of the worker that really has it, where that is another one. */
  readonly place?: string;
}

/** A part of a list in the order of its serial numbers. */
export interface ViewPage {
  /** What follows this number; 0 for the beginning. */
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

/** Undefined for what is still being opened, and for what serves one call only. */
export function toUpstreamView(entry: PoolEntry): UpstreamView | undefined {
  const { serial, server, connection, sharing, users, idleSince, remoteWorker: place, isIdle: idle } = entry;
  if (!connection || !sharing) return undefined;
  const { era, revision } = connection.profile;
  return {
    serial,
    server: server.slug,
    era,
    revision,
    among: sharing.sharedBy,
    users,
    ...(idle && { idleSince }),
    ...(place !== undefined && { place }),
  };
}

const MAX_LABEL_LENGTH = 200;

/** What clients name themselves and what they ask for may be as long as a message. */
export const truncateLabel = (text: string): string =>
  text.length > MAX_LABEL_LENGTH ? `${text.slice(0, MAX_LABEL_LENGTH)}…` : text;

/** Items come in the order of their numbers. */
export function toPage<T extends { readonly serial: number }>(items: Iterable<T>, { after, limit }: ViewPage): T[] {
  const page: T[] = [];
  for (const item of items) {
    if (item.serial > after) page.push(item);
    if (page.length === limit) break;
  }
  return page;
}
