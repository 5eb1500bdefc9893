import { firstHeaderValue, type AnswerHeaders, type HttpChannel } from '../../channels/http/index.js';
import type { ServerProfile } from '../../upstream-connection.js';
import { isUpstreamSessionId, type StreamState, type UpstreamSessionState } from '../../upstream-session-state.js';
import { protocolViolation, withServer, toOutcomeError } from '../../upstream.errors.js';
import { isEnd, isRpcResponse, endingToOutcome } from '../request-ending.js';
import { SingleRequest, type RequestEnding } from '../single-request.js';
import { initializeText, readInitialize } from './handshake.js';
import { LegacyConnection } from './legacy-connection.js';
import type { ConnectionOptions } from './connection-options.js';
import { LegacyHttpLink, legacyPostHeaders } from './legacy-http-link.js';

const HANDSHAKE_ID = 0;

/** The server does not support streamable HTTP; it may support HTTP+SSE. */
export const NOT_STREAMABLE = Symbol('not streamable HTTP');

/** Opens a session over streamable HTTP. Rejects with an OutcomeError. */
export async function openOverHttp(
  channel: HttpChannel,
  opening: ConnectionOptions,
  signal: AbortSignal,
): Promise<LegacyConnection | typeof NOT_STREAMABLE> {
  const { server } = opening.context;
  const ending = await sendInitialize(channel, opening, signal);
  if (mayUseOlderTransport(ending)) return NOT_STREAMABLE;
  const profile = readInitialize(withServer(endingToOutcome(ending, HANDSHAKE_ID), opening.context), server);
  const connection = createConnection(channel, { profile, sessionId: readSessionId(ending, server) }, opening);
  await connection.completeHandshake(opening.opensServerStream);
  return connection;
}

/** Adopts a detached session. The server receives no message about that. */
export function adoptOverHttp(
  channel: HttpChannel,
  opening: ConnectionOptions,
  state: UpstreamSessionState,
): LegacyConnection {
  const connection = createConnection(channel, state, opening);
  connection.resume(state.stream !== undefined);
  return connection;
}

function sendInitialize(channel: HttpChannel, opening: ConnectionOptions, signal: AbortSignal): Promise<RequestEnding> {
  const headers = legacyPostHeaders(channel.headers);
  const body = initializeText(HANDSHAKE_ID, opening.client);
  const request = { method: 'POST', headers, body, timeoutMs: opening.deadline.leftMs() } as const;
  return new SingleRequest(channel, request, isEnd, signal).ended;
}

/** A session that was just opened or adopted. */
interface EstablishedSession {
  readonly profile: ServerProfile;
  readonly sessionId?: string | undefined;
  readonly lastId?: number;
  readonly stream?: StreamState;
}

function createConnection(
  channel: HttpChannel,
  { profile, sessionId, lastId = HANDSHAKE_ID, stream }: EstablishedSession,
  opening: ConnectionOptions,
): LegacyConnection {
  const { client, context: surroundings, events, suspectEra } = opening;
  let id = lastId;
  return new LegacyConnection({
    profile,
    client,
    context: surroundings,
    events,
    suspectEra,
    nextId: () => ++id,
    link: (host) => new LegacyHttpLink(channel, sessionId, host, stream),
  });
}

/** Statuses that identify a server of the older transport (basic/transports, Backwards Compatibility). */
const OLDER_TRANSPORT_STATUSES: ReadonlySet<number> = new Set([400, 404, 405]);

function mayUseOlderTransport(ending: RequestEnding): boolean {
  return (
    ending.kind === 'answer' && OLDER_TRANSPORT_STATUSES.has(ending.answer.status) && !isRpcResponse(ending.answer)
  );
}

function readSessionId(ending: RequestEnding, server: string): string | undefined {
  const headers: AnswerHeaders = ending.kind === 'fault' ? {} : ending.headers;
  const id = firstHeaderValue(headers['mcp-session-id']);
  if (id !== undefined && !isUpstreamSessionId(id))
    throw toOutcomeError(protocolViolation(server, 'its session id is malformed'));
  return id;
}
