import type { Caller } from '#lib/extension-kit';
import type { ClientProfile, Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { Asker } from '../upstream/index.js';
import type { Session } from '../session-pool/index.js';

/** On whose behalf a server is spoken to. */
export interface ConnectionScope {
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** The legacy session that asks; absent for modern and plain clients. */
  readonly session: Session | undefined;
}

/** Who may use a connection: everybody, one principal's clients that declare the same, or one session. */
export interface Sharing {
  readonly key: string;
  readonly sharedBy: 'all' | 'principal' | 'session';
  /** Where there are several workers, one of them has the connection for all. */
  readonly isPlaced: boolean;
}

/** Undefined: nobody shares the connection, it is opened for one request and closed after it. */
export function resolveSharing(server: ServerDefinition, era: Era, face: ConnectionScope): Sharing | undefined {
  const { slug } = server;
  if (era === 'modern') return { key: `modern ${slug}`, sharedBy: 'all', isPlaced: server.transport === 'stdio' };
  const { session, caller, client } = face;
  const own = session && ({ key: sessionKeyOf(slug, session), sharedBy: 'session', isPlaced: false } as const);
  if (own && server.transport !== 'stdio') return own;
  const declared = JSON.stringify(client.capabilities);
  if (server.shared) return { key: `shared ${slug} ${declared}`, sharedBy: 'all', isPlaced: true };
  if (caller.anonymous) return own;
  return { key: `principal ${slug} ${declared} ${caller.key}`, sharedBy: 'principal', isPlaced: true };
}

/**
 * Among whose sessions at the server one more counts. Undefined: for a modern server there are none, and a session's own
 * is bounded with the sessions. Anonymous clients count as one; nothing tells them apart.
 */
export function quotaKeyOf(
  { slug }: ServerDefinition,
  era: Era | undefined,
  { caller }: ConnectionScope,
  sharing: Sharing | undefined,
): string | undefined {
  return era === 'modern' || sharing?.sharedBy === 'session' ? undefined : `${slug} ${caller.key}`;
}

/** Clients without a session are told apart by their principal only, and anonymous ones not at all. */
export function toCallIdentity({ session, caller }: Pick<ConnectionScope, 'session' | 'caller'>): Asker | undefined {
  const client = session && `session ${session.id}`;
  const principal = caller.anonymous ? client : `principal ${caller.key}`;
  return principal === undefined ? undefined : { principal, client: client ?? principal };
}

/** What a session's own connection to a server is kept under. */
export const sessionKeyOf = (slug: string, { id }: Session): string => `session ${slug} ${id}`;
