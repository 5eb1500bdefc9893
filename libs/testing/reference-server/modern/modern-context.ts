import { CLIENT_CAPABILITIES_META_KEY, type RequestStateCodec, type ServerContext } from '@modelcontextprotocol/server';

import { askVisit } from '../features/index.js';
import type { FeatureContext, Json, ReferenceWorld } from '../features/index.js';
import { ReplayedQuestions, type AnsweredSoFar } from './replayed-questions.js';

/** Creates the context of one modern request: a question without an answer ends the request. */
export function modernContext(
  world: ReferenceWorld,
  request: ServerContext,
  codec: RequestStateCodec<AnsweredSoFar>,
): FeatureContext {
  const { mcpReq, http } = request;
  const token = mcpReq._meta?.progressToken;
  const questions = new ReplayedQuestions(mcpReq, codec);
  return {
    world,
    signal: mcpReq.signal,
    meta: { ...mcpReq._meta, ...mcpReq.envelope },
    headers: Object.fromEntries(http?.req?.headers ?? []),
    clientCapabilities: capabilitiesOf(mcpReq.envelope),
    async progress(progress, total, message) {
      if (token === undefined) return;
      const params = { progressToken: token, progress, total, ...(message !== undefined && { message }) };
      await mcpReq.notify({ method: 'notifications/progress', params });
    },
    log: (level, data) => mcpReq.log(level, data, 'reference'),
    ask: (asked, options) => questions.ask(asked, options),
    async requireVisit({ url, message }) {
      await questions.ask({ visit: askVisit(message, url) });
    },
    dropStream() {},
  };
}

function capabilitiesOf(envelope: Json = {}): Json {
  const declared = envelope[CLIENT_CAPABILITIES_META_KEY];
  return typeof declared === 'object' && declared !== null ? { ...declared } : {};
}
