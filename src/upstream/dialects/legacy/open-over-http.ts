import { first, type AnswerHeaders, type HttpChannel } from '../../channels/http/index.js';
import type { ServerProfile } from '../../upstream-connection.js';
import { brokeProtocol, named, thrown } from '../../upstream.errors.js';
import { isResponse, isRpcAnswer, outcomeOfEnding } from '../http-ending.js';
import { RequestOnce, type Ending } from '../request-once.js';
import { initializeText, readInitialize } from './handshake.js';
import { LegacyConnection } from './legacy-connection.js';
import type { LegacyOpening } from './legacy-opening.js';
import { LegacyHttpLink, legacyPostHeaders } from './legacy-http-link.js';

const HANDSHAKE_ID = 0;

/** The server does not do streamable HTTP; it may be one with HTTP+SSE. */
export const NOT_STREAMABLE = Symbol('not streamable HTTP');

/** Shakes hands over streamable HTTP. Rejects with an OutcomeError. */
export async function openOverHttp(
  channel: HttpChannel,
  opening: LegacyOpening,
  signal: AbortSignal,
): Promise<LegacyConnection | typeof NOT_STREAMABLE> {
  const { server } = opening.surroundings;
  const ending = await sendInitialize(channel, opening, signal);
  if (mayBeOlder(ending)) return NOT_STREAMABLE;
  const profile = readInitialize(named(outcomeOfEnding(ending, HANDSHAKE_ID), server), server);
  const connection = connectionOver(channel, profile, sessionIn(ending, server), opening);
  await connection.begin();
  return connection;
}

function sendInitialize(channel: HttpChannel, opening: LegacyOpening, signal: AbortSignal): Promise<Ending> {
  const headers = legacyPostHeaders(channel.headers);
  const body = initializeText(HANDSHAKE_ID, opening.client);
  const request = { method: 'POST', headers, body, limitMs: opening.surroundings.connectMs } as const;
  return new RequestOnce(channel, request, isResponse, signal).ended;
}

function connectionOver(
  channel: HttpChannel,
  profile: ServerProfile,
  session: string | undefined,
  opening: LegacyOpening,
): LegacyConnection {
  const { client, surroundings, events, suspectEra } = opening;
  let lastId = HANDSHAKE_ID;
  return new LegacyConnection({
    profile,
    client,
    surroundings,
    events,
    suspectEra,
    nextId: () => ++lastId,
    link: (host) => new LegacyHttpLink(channel, session, host),
  });
}

/** By these the specification tells a server of the older transport (basic/transports, Backwards Compatibility). */
const OLDER: ReadonlySet<number> = new Set([400, 404, 405]);

function mayBeOlder(ending: Ending): boolean {
  return ending.kind === 'answer' && OLDER.has(ending.answer.status) && !isRpcAnswer(ending.answer);
}

/** Visible ASCII of a bearable length (basic/transports, Session Management). */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;

function sessionIn(ending: Ending, server: string): string | undefined {
  const headers: AnswerHeaders = ending.kind === 'fault' ? {} : ending.headers;
  const id = first(headers['mcp-session-id']);
  if (id !== undefined && !SESSION_ID.test(id)) throw thrown(brokeProtocol(server, 'its session id is malformed'));
  return id;
}
