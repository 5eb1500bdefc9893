import type { Caller } from '#lib/extension-kit';
import type { ClientProfile, Era } from '#lib/mcp-protocol';
import type { Isolation, ServerDefinition } from '../registry/index.js';
import { COMMON_ACCOUNT, type CallIdentity } from '../upstream/index.js';
import type { Session } from '../session-pool/index.js';
import { capabilitiesKeyOf } from './capabilities-key.js';

/** The client on whose behalf a connection is opened or used. */
export interface ConnectionScope {
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** The client's legacy session. Undefined for modern clients and for clients without a session. */
  readonly session: Session | undefined;
  /** The era in which a server that speaks both serves the client. Absent: it follows from the session (`clientEraOf`). */
  readonly clientEra?: Era;
}

/** The clients that may use a connection: all, one principal's clients with equal capabilities, or one session. */
export interface Sharing {
  readonly key: string;
  readonly sharedBy: 'all' | 'principal' | 'session';
  /** Key of the caller whom the connection serves. Absent: it serves several. */
  readonly caller?: string;
  /** True if, with several workers, one of them owns the connection for all workers. */
  readonly isPlaced: boolean;
  /** Identifies the credentials of the connection (`CredentialSource.accountOf`). Absent: the common ones. */
  readonly account?: string;
}

/**
 * Returns to whom the state that a server keeps about its callers belongs. Without a value in its entry a server over
 * HTTP keeps none if its era has no sessions: nothing in its protocol identifies the principals behind the gateway. A
 * child process may keep anything in its memory, whatever its era.
 */
export function isolationOf({ isolation, transport }: ServerDefinition, era: Era): Isolation {
  return isolation ?? (era === 'modern' && transport !== 'stdio' ? 'none' : 'principal');
}

/**
 * Returns the era in which a server that speaks both serves a client: at the endpoint of that server alone, a legacy client in
 * its own era, so that nothing is lost in translation. Other clients share the modern connections.
 */
export function clientEraOf({ slug }: ServerDefinition, { session, clientEra }: Partial<ConnectionScope>): Era {
  return clientEra ?? (session?.start.endpoint === slug ? 'legacy' : 'modern');
}

/**
 * Returns undefined for a connection that is not shared: it is opened for one request and closed after it.
 * @param account only callers whose credentials belong to it share the connection
 */
export function resolveSharing(
  server: ServerDefinition,
  era: Era,
  scope: ConnectionScope,
  account = COMMON_ACCOUNT,
): Sharing | undefined {
  const sharing = resolveCommonSharing(server, era, scope);
  return sharing && withAccount(sharing, account);
}

/** An account is a digest, so that no other text can be mistaken for the end of it. */
const withAccount = (sharing: Sharing, account: string): Sharing =>
  account === COMMON_ACCOUNT ? sharing : { ...sharing, key: `as ${account} ${sharing.key}`, account };

/** Returns the sharing of a session's own connection to a server. */
export const sessionSharing = (slug: string, session: Session, account: string): Sharing =>
  withAccount(ownSharingOf(slug, session), account);

/** True for a connection that serves this session alone. */
export const isOwnedBy = (sharing: Sharing | undefined, slug: string, session: Session): boolean =>
  sharing?.sharedBy === 'session' && sharing.key.endsWith(sessionKeyOf(slug, session));

function resolveCommonSharing(server: ServerDefinition, era: Era, scope: ConnectionScope): Sharing | undefined {
  const { slug, transport } = server;
  const { session, caller, client } = scope;
  const ownSharing = session && ownSharingOf(slug, session);
  if (ownSharing && era === 'legacy' && transport !== 'stdio') return ownSharing;
  const isolation = isolationOf(server, era);
  const isPlaced = era === 'legacy' || transport === 'stdio';
  // A modern server receives the capabilities of the client with each request.
  const declared = era === 'modern' ? 'modern' : capabilitiesKeyOf(client);
  if (isolation === 'none') return { key: `shared ${slug} ${declared}`, sharedBy: 'all', isPlaced };
  if (isolation === 'session' || caller.anonymous) return ownSharing;
  const key = `principal ${slug} ${declared} ${caller.key}`;
  return { key, sharedBy: 'principal', caller: caller.key, isPlaced };
}

/**
 * Returns the key under which an upstream session or a child process counts towards the limit per principal. Undefined
 * for a modern server without processes, which has no sessions, for the one process that serves all at a modern server,
 * and for a session's own upstream session over HTTP, which the session limit bounds already. Anonymous clients count as
 * one principal, because they cannot be distinguished.
 */
export function quotaKeyOf(
  { slug, transport }: ServerDefinition,
  era: Era | undefined,
  { caller }: ConnectionScope,
  sharing: Sharing | undefined,
): string | undefined {
  const isProcess = transport === 'stdio';
  const servesAll = sharing?.sharedBy === 'all' && sharing.account === undefined;
  if (era === 'modern' && (!isProcess || servesAll)) return undefined;
  if (sharing?.sharedBy === 'session' && !isProcess) return undefined;
  return `${slug} ${caller.key}`;
}

/** Returns who waits before a server's child process is started again after one exited: those who would share it. */
export function backOffOwnerOf({ isolation }: ServerDefinition, { key }: Caller, account: string): string {
  return isolation === 'none' ? account : key;
}

/** Identifies a client without a session by its principal only, and an anonymous one not at all. */
export function toCallIdentity({
  session,
  caller,
}: Pick<ConnectionScope, 'session' | 'caller'>): CallIdentity | undefined {
  const client = session && clientOf(session);
  const principal = caller.anonymous ? client : `principal ${caller.key}`;
  return principal === undefined ? undefined : { principal, client: client ?? principal };
}

/** Identifies the client of a session among the callers of a connection. */
export const clientOf = ({ id }: Session): string => `${SESSION}${id}`;

export const isSession = (client: string): boolean => client.startsWith(SESSION);

const SESSION = 'session ';

const sessionKeyOf = (slug: string, { id }: Session): string => `session ${slug} ${id}`;

const ownSharingOf = (slug: string, session: Session): Sharing => ({
  key: sessionKeyOf(slug, session),
  sharedBy: 'session',
  caller: session.start.caller.key,
  isPlaced: false,
});
