/**
 * A modern server ends a call with questions and expects it to be repeated with the answers (specification 2026:
 * basic/patterns/mrtr). A legacy client cannot do that: it is asked on the server's behalf, on the stream of its call.
 */
import {
  capabilityOfQuestion,
  failure,
  isJsonObject,
  questionForLegacy,
  type Answer,
  type JsonObject,
  type Outcome,
  type RpcError,
} from '#lib/mcp-protocol';
import type { UpstreamConnection, UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import { TooManyQuestionRounds, UndeclaredQuestion } from './session-pool.errors.js';

interface Rounds {
  readonly server: string;
  readonly maxRounds: number;
}

/** Asks, repeats the call with the answers, and goes on until the server is satisfied. */
export async function answerReplayableQuestions(
  connection: UpstreamConnection,
  request: UpstreamRequest,
  asked: JsonObject,
  reply: UpstreamReply,
  signal: AbortSignal,
  { server, maxRounds }: Rounds,
): Promise<Outcome> {
  let required = asked;
  for (let round = 0; round < maxRounds; round += 1) {
    const answers = await collectAnswers(server, request, required, reply, signal);
    if ('error' in answers) return failure(answers.error);
    const outcome = await connection.request(repeated(request, required, answers.responses), reply, signal);
    if (outcome.kind === 'error' || outcome.result['resultType'] !== 'input_required') return outcome;
    required = outcome.result;
  }
  throw new TooManyQuestionRounds(server, maxRounds);
}

type Collected = { readonly responses: JsonObject } | { readonly error: RpcError };

async function collectAnswers(
  server: string,
  request: UpstreamRequest,
  required: JsonObject,
  reply: UpstreamReply,
  signal: AbortSignal,
): Promise<Collected> {
  const questions = isJsonObject(required['inputRequests']) ? Object.entries(required['inputRequests']) : [];
  const failing = new AbortController();
  const open = AbortSignal.any([signal, failing.signal]);
  const asking = questions.map(async ([key, question]) => {
    const method = isJsonObject(question) && typeof question['method'] === 'string' ? question['method'] : '';
    const capability = capabilityOfQuestion(method);
    if (!capability || !request.client.capabilities[capability]) throw new UndeclaredQuestion(server, method);
    const params = isJsonObject(question) && isJsonObject(question['params']) ? question['params'] : {};
    return { key, method, answer: await reply.ask(questionForLegacy({ method, params }), open) };
  });
  const responses: JsonObject = {};
  // One failure fails the call, which takes the questions with it that are still before the client.
  const answers = await Promise.all(asking).finally(() => failing.abort());
  for (const { key, method, answer } of answers) {
    const response = responseOf(method, answer);
    if ('error' in response) return response;
    responses[key] = response.result;
  }
  return { responses };
}

/** A client that fails at showing a form has, to the server, dismissed it; other failures end the call. */
function responseOf(method: string, answer: Answer): Answer {
  return 'error' in answer && method === 'elicitation/create' ? { result: { action: 'cancel' } } : answer;
}

function repeated(request: UpstreamRequest, required: JsonObject, inputResponses: JsonObject): UpstreamRequest {
  const { requestState } = required;
  const params: JsonObject = { ...request.params, inputResponses };
  if (requestState === undefined) delete params['requestState'];
  else params['requestState'] = requestState;
  return { ...request, params };
}
