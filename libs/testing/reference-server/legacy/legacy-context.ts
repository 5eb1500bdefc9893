import { randomUUID } from 'node:crypto';

import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CreateMessageResultWithToolsSchema,
  ElicitResultSchema,
  ListRootsResultSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';

import { ProtocolFailure, type Answer, type FeatureContext, type LogLevel } from '../features/index.js';
import type { Question, ReferenceWorld } from '../features/index.js';

export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** People answer, so the SDK's default of one minute is too short. */
const ANSWER_TIMEOUT_MS = 600_000;

/** Spec 2025-11-25, client/elicitation: the error that requires a visit to a URL first. */
const URL_ELICITATION_REQUIRED = -32042;

interface LegacyRequest {
  world: ReferenceWorld;
  server: Server;
  extra: Extra;
  /** Whether the client's log level allows a message. */
  allowsLevel(level: LogLevel): boolean;
  /** Called before each round of questions. */
  onAsk(): void;
}

/** Creates the context of one legacy request: questions are sent while the call stays open. */
export function legacyContext({ world, server, extra, allowsLevel, onAsk }: LegacyRequest): FeatureContext {
  const token = extra._meta?.progressToken;
  return {
    world,
    signal: extra.signal,
    meta: { ...extra._meta },
    headers: headersOf(extra),
    clientCapabilities: { ...server.getClientCapabilities() },
    async progress(progress, total, message) {
      if (token === undefined) return;
      const params = { progressToken: token, progress, total, ...(message !== undefined && { message }) };
      await extra.sendNotification({ method: 'notifications/progress', params });
    },
    async log(level, data) {
      if (!allowsLevel(level)) return;
      await extra.sendNotification({ method: 'notifications/message', params: { level, data, logger: 'reference' } });
    },
    async ask<K extends string>(questions: Record<K, Question>): Promise<Record<K, Answer>> {
      onAsk();
      requireHandshake(server);
      return Object.fromEntries(await askAtOnce(Object.entries<Question>(questions), extra)) as Record<K, Answer>;
    },
    requireVisit({ id, url, message }) {
      if (world.markVisited(id)) return Promise.resolve();
      const elicitations = [{ mode: 'url', elicitationId: id, url, message }];
      throw new ProtocolFailure(URL_ELICITATION_REQUIRED, 'A URL has to be visited first', { elicitations });
    },
    dropStream: () => extra.closeSSEStream?.(),
  };
}

/**
 * Without a session no client can answer. The declared capabilities are not checked: like most servers, this one relies
 * on the client to refuse.
 */
function requireHandshake(server: Server): void {
  if (!server.getClientCapabilities()) throw new Error('The client cannot be asked: it has completed no handshake');
}

/** Sends all questions and cancels the others once one of them fails. */
async function askAtOnce(questions: [string, Question][], extra: Extra): Promise<[string, Answer][]> {
  const failing = new AbortController();
  const signal = AbortSignal.any([extra.signal, failing.signal]);
  const asking = questions.map(async ([key, question]): Promise<[string, Answer]> => {
    return [key, await askNow(question, extra, signal)];
  });
  return Promise.all(asking).finally(() => failing.abort());
}

async function askNow(question: Question, extra: Extra, signal: AbortSignal): Promise<Answer> {
  const options = { timeout: ANSWER_TIMEOUT_MS, signal };
  const request = { ...question, params: { ...question.params, ...identityOf(question) } } as ServerRequest;
  if (question.method === 'elicitation/create') return extra.sendRequest(request, ElicitResultSchema, options);
  if (question.method === 'roots/list') return extra.sendRequest(request, ListRootsResultSchema, options);
  return extra.sendRequest(request, CreateMessageResultWithToolsSchema, options);
}

/** Only the legacy form of a URL question has an id. */
function identityOf({ params }: Question): { elicitationId?: string } {
  return params !== undefined && 'mode' in params && params.mode === 'url' ? { elicitationId: randomUUID() } : {};
}

function headersOf({ requestInfo }: Extra): { [name: string]: string } {
  const entries = Object.entries(requestInfo?.headers ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, [value].flat().join(', ')]));
}
