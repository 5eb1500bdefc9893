import type { Caller } from '#lib/extension-kit';
import type { ClientProfile, Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { CallIdentity } from '../upstream/index.js';
import type { Session } from '../session-pool/index.js';
import { capabilitiesKeyOf } from './capabilities-key.js';

/** The client on whose behalf a connection is opened or used. */
export interface ConnectionScope {
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** The client's legacy session. Undefined for modern clients and for clients without a session. */
  readonly session: Session | undefined;
}

/** The clients that may use a connection: all, one principal's clients with equal capabilities, or one session. */
export interface Sharing {
  readonly key: string;
  readonly sharedBy: 'all' | 'principal' | 'session';
  /** True if, with several workers, one of them owns the connection for all workers. */
  readonly isPlaced: boolean;
}

/** Returns undefined for a connection that is not shared: it is opened for one request and closed after it. */
export function resolveSharing(server: ServerDefinition, era: Era, scope: ConnectionScope): Sharing | undefined {
  const { slug } = server;
  if (era === 'modern') return { key: `modern ${slug}`, sharedBy: 'all', isPlaced: server.transport === 'stdio' };
  const { session, caller, client } = scope;
  const ownSharing = session && ({ key: sessionKeyOf(slug, session), sharedBy: 'session', isPlaced: false } as const);
  if (ownSharing && server.transport !== 'stdio') return ownSharing;
  const declared = capabilitiesKeyOf(client);
  if (server.shared) return { key: `shared ${slug} ${declared}`, sharedBy: 'all', isPlaced: true };
  if (caller.anonymous) return ownSharing;
  return { key: `principal ${slug} ${declared} ${caller.key}`, sharedBy: 'principal', isPlaced: true };
}

/**
 * Returns the key under which an upstream session counts towards the limit per principal. Undefined for a modern
 * server, which has no sessions, and for a session's own upstream session, which the session limit bounds already.
 * Anonymous clients count as one principal, because they cannot be distinguished.
 */
export function quotaKeyOf(
  { slug }: ServerDefinition,
  era: Era | undefined,
  { caller }: ConnectionScope,
  sharing: Sharing | undefined,
): string | undefined {
  return era === 'modern' || sharing?.sharedBy === 'session' ? undefined : `${slug} ${caller.key}`;
}

/** Identifies a client without a session by its principal only, and an anonymous one not at all. */
export function toCallIdentity({
  session,
  caller,
}: Pick<ConnectionScope, 'session' | 'caller'>): CallIdentity | undefined {
  const client = session && `session ${session.id}`;
  const principal = caller.anonymous ? client : `principal ${caller.key}`;
  return principal === undefined ? undefined : { principal, client: client ?? principal };
}

/** Returns the pool key of a session's own connection to a server. */
export const sessionKeyOf = (slug: string, { id }: Session): string => `session ${slug} ${id}`;
