import { first, type AnswerHeaders, type HttpChannel } from '../../channels/http/index.js';
import type { ServerProfile } from '../../upstream-connection.js';
import { isUpstreamSessionId, type StreamState, type UpstreamSessionState } from '../../upstream-session-state.js';
import { brokeProtocol, named, thrown } from '../../upstream.errors.js';
import { isResponse, isRpcAnswer, outcomeOfEnding } from '../http-ending.js';
import { RequestOnce, type Ending } from '../request-once.js';
import { initializeText, readInitialize } from './handshake.js';
import { LegacyConnection } from './legacy-connection.js';
import type { LegacyOpening } from './legacy-opening.js';
import { LegacyHttpLink, legacyPostHeaders } from './legacy-http-link.js';

const HANDSHAKE_ID = 0;

/** The server does not support streamable HTTP; it may support HTTP+SSE. */
export const NOT_STREAMABLE = Symbol('not streamable HTTP');

/** Opens a session over streamable HTTP. Rejects with an OutcomeError. */
export async function openOverHttp(
  channel: HttpChannel,
  opening: LegacyOpening,
  signal: AbortSignal,
): Promise<LegacyConnection | typeof NOT_STREAMABLE> {
  const { server } = opening.surroundings;
  const ending = await sendInitialize(channel, opening, signal);
  if (mayBeOlder(ending)) return NOT_STREAMABLE;
  const profile = readInitialize(named(outcomeOfEnding(ending, HANDSHAKE_ID), server), server);
  const connection = connectionOver(channel, { profile, sessionId: sessionIn(ending, server) }, opening);
  await connection.begin();
  return connection;
}

/** Adopts a detached session. The server receives no message about that. */
export function adoptOverHttp(
  channel: HttpChannel,
  opening: LegacyOpening,
  state: UpstreamSessionState,
): LegacyConnection {
  const connection = connectionOver(channel, state, opening);
  connection.goOn(state.stream !== undefined);
  return connection;
}

function sendInitialize(channel: HttpChannel, opening: LegacyOpening, signal: AbortSignal): Promise<Ending> {
  const headers = legacyPostHeaders(channel.headers);
  const body = initializeText(HANDSHAKE_ID, opening.client);
  const request = { method: 'POST', headers, body, limitMs: opening.surroundings.connectMs } as const;
  return new RequestOnce(channel, request, isResponse, signal).ended;
}

/** A session that was just opened or adopted. */
interface Shaken {
  readonly profile: ServerProfile;
  readonly sessionId?: string | undefined;
  readonly lastId?: number;
  readonly stream?: StreamState;
}

function connectionOver(
  channel: HttpChannel,
  { profile, sessionId, lastId = HANDSHAKE_ID, stream }: Shaken,
  opening: LegacyOpening,
): LegacyConnection {
  const { client, surroundings, events, suspectEra } = opening;
  let id = lastId;
  return new LegacyConnection({
    profile,
    client,
    surroundings,
    events,
    suspectEra,
    nextId: () => ++id,
    link: (host) => new LegacyHttpLink(channel, sessionId, host, stream),
  });
}

/** Statuses that identify a server of the older transport (basic/transports, Backwards Compatibility). */
const OLDER: ReadonlySet<number> = new Set([400, 404, 405]);

function mayBeOlder(ending: Ending): boolean {
  return ending.kind === 'answer' && OLDER.has(ending.answer.status) && !isRpcAnswer(ending.answer);
}

function sessionIn(ending: Ending, server: string): string | undefined {
  const headers: AnswerHeaders = ending.kind === 'fault' ? {} : ending.headers;
  const id = first(headers['mcp-session-id']);
  if (id !== undefined && !isUpstreamSessionId(id)) throw thrown(brokeProtocol(server, 'its session id is malformed'));
  return id;
}
