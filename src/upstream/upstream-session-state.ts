import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { readProfile, type ServerProfile } from './server-profile.js';

/**
 * A session with a legacy server over streamable HTTP, as one worker gives it to another. Plain JSON; its id is a secret
 * between gateway and server.
 */
export interface UpstreamSessionState {
  /** Slug of the server. */
  readonly server: string;
  /** Absent when the server keeps no sessions. */
  readonly sessionId?: string;
  /** What the server said in its handshake; holds the negotiated revision. */
  readonly profile: ServerProfile;
  /** No request id above this one was used. */
  readonly lastId: number;
  /** The GET stream, when it was open. */
  readonly stream?: StreamState;
}

/** Where a GET stream was left. */
export interface StreamState {
  /** Absent when the server numbers no events: what it said meanwhile is lost. */
  readonly lastEventId?: string;
}

/** Visible ASCII of a bearable length (basic/transports, Session Management). */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;

export function isUpstreamSessionId(value: unknown): value is string {
  return typeof value === 'string' && SESSION_ID.test(value);
}

/** Reads what another worker wrote. Undefined: it is no such state, and the session is lost. */
export function readUpstreamSession(value: unknown): UpstreamSessionState | undefined {
  if (!isJsonObject(value)) return undefined;
  const { server, sessionId, lastId } = value;
  const [profile, stream] = [readProfile(value['profile']), readStream(value['stream'])];
  if (typeof server !== 'string' || profile === undefined || stream === undefined) return undefined;
  if (typeof lastId !== 'number' || !Number.isSafeInteger(lastId) || lastId < 0) return undefined;
  if (sessionId !== undefined && !isUpstreamSessionId(sessionId)) return undefined;
  return { server, profile, lastId, ...(sessionId !== undefined && { sessionId }), ...stream };
}

function readStream(stream: JsonObject[string]): Pick<UpstreamSessionState, 'stream'> | undefined {
  if (stream === undefined) return {};
  if (!isJsonObject(stream)) return undefined;
  const { lastEventId } = stream;
  if (lastEventId === undefined) return { stream: {} };
  return typeof lastEventId === 'string' ? { stream: { lastEventId } } : undefined;
}
