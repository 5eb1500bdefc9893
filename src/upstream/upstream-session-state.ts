import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { readProfile, type ServerProfile } from './server-profile.js';

/**
 * The state of a session with a legacy server over streamable HTTP, for the transfer between workers. Plain JSON. The
 * session id is a secret between gateway and server.
 */
export interface UpstreamSessionState {
  /** Slug of the server. */
  readonly server: string;
  /** Absent when the server uses no session ids. */
  readonly sessionId?: string;
  /** The account of its credentials (`CredentialSource.accountOf`). Absent: the common one. */
  readonly account?: string;
  /** The server's profile from the handshake, including the negotiated revision. */
  readonly profile: ServerProfile;
  /** The highest request id that was used. */
  readonly lastId: number;
  /** The state of the GET stream, when it was open. */
  readonly stream?: StreamState;
}

/** The position in a GET stream. */
export interface StreamState {
  /** Absent when the server sends no event ids; events between detach and adoption are then lost. */
  readonly lastEventId?: string;
}

/** Visible ASCII of bounded length (basic/transports, Session Management). */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;

export function isUpstreamSessionId(value: unknown): value is string {
  return typeof value === 'string' && SESSION_ID.test(value);
}

/**
 * Reads a state that another worker serialized. Returns undefined when the value is invalid; the session is then lost.
 */
export function readUpstreamSession(value: unknown): UpstreamSessionState | undefined {
  if (!isJsonObject(value)) return undefined;
  const { server, sessionId, lastId, account } = value;
  const [profile, stream] = [readProfile(value['profile']), readStream(value['stream'])];
  if (typeof server !== 'string' || profile === undefined || stream === undefined) return undefined;
  if (typeof lastId !== 'number' || !Number.isSafeInteger(lastId) || lastId < 0) return undefined;
  if (sessionId !== undefined && !isUpstreamSessionId(sessionId)) return undefined;
  if (account !== undefined && typeof account !== 'string') return undefined;
  return {
    server,
    profile,
    lastId,
    ...(account !== undefined && { account }),
    ...(sessionId !== undefined && { sessionId }),
    ...stream,
  };
}

function readStream(stream: JsonObject[string]): Pick<UpstreamSessionState, 'stream'> | undefined {
  if (stream === undefined) return {};
  if (!isJsonObject(stream)) return undefined;
  const { lastEventId } = stream;
  if (lastEventId === undefined) return { stream: {} };
  return typeof lastEventId === 'string' ? { stream: { lastEventId } } : undefined;
}
