/**
 * A modern server ends a call with questions and expects it to be repeated with the answers (specification 2026:
 * basic/patterns/mrtr). A legacy client cannot do that: it is asked on the server's behalf, on the stream of its call.
 */
import { GatewayError } from '#lib/extension-kit';
import {
  capabilityOfQuestion,
  failure,
  GatewayCode,
  isJsonObject,
  questionForLegacy,
  type Answer,
  type JsonObject,
  type Outcome,
  type RpcError,
} from '#lib/mcp-protocol';
import type { Timer } from '#lib/worker-bus';
import type { UpstreamConnection, UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import { RepeatBackoff } from './repeat-backoff.js';
import { TooManyQuestionRounds, UndeclaredQuestion } from './calls.errors.js';

interface RoundLimits {
  readonly server: string;
  readonly maxRounds: number;
  /** How long the server may take while nobody is asked. */
  readonly requestMs: number;
  readonly timer: Timer;
}

/** Asks, repeats the call with the answers, and goes on until the server is satisfied. */
export async function answerReplayableQuestions(
  connection: UpstreamConnection,
  request: UpstreamRequest,
  asked: JsonObject,
  reply: UpstreamReply,
  signal: AbortSignal,
  { server, maxRounds, requestMs, timer }: RoundLimits,
): Promise<Outcome> {
  const pace = new RepeatBackoff(timer, requestMs);
  let required = asked;
  for (let round = 0; round < maxRounds; round += 1) {
    const answers = await collectAnswers(server, request, required, reply, signal);
    if ('error' in answers) return failure(answers.error);
    const isOver = await pauseIfUnanswered(answers.responses, pace, signal);
    if (isOver) return isOver;
    const outcome = await sendRepeated(
      connection,
      toRepeatedRequest(request, required, answers.responses),
      reply,
      signal,
    );
    if (outcome.kind === 'error' || outcome.result['resultType'] !== 'input_required') return outcome;
    required = outcome.result;
  }
  throw new TooManyQuestionRounds(server, maxRounds);
}

/** To wait for a person's answer is pause enough. */
async function pauseIfUnanswered(
  answers: JsonObject,
  pace: RepeatBackoff,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  if (Object.keys(answers).length === 0) return pace.wait(signal);
  pace.reset();
  return undefined;
}

/** What cannot be sent is told like any other failure: the call has begun, and is not begun again. */
async function sendRepeated(
  connection: UpstreamConnection,
  request: UpstreamRequest,
  reply: UpstreamReply,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    return await connection.request(request, reply, signal);
  } catch (cause) {
    if (cause instanceof GatewayError) return cause.toOutcome();
    throw cause;
  }
}

/**
 * Of a call whose server has run a part of it by now: "not executed" would be true of its last round only, and so would what
 * the failure says in words.
 */
export function toUnknownOutcome(failed: Outcome): Outcome {
  if (failed.kind !== 'error') return failed;
  const { data } = failed.error;
  if (!isJsonObject(data) || data['outcome'] !== 'not_executed') return failed;
  const { retryAfterMs: _later, ...rest } = data;
  const left = { ...rest, outcome: 'unknown', retriable: false };
  return failure({ code: GatewayCode.outcomeUnknown, message: INTERRUPTED_MESSAGE, data: left }, 504);
}

const INTERRUPTED_MESSAGE =
  'The call was begun, and could not be continued after its questions. What it did is not known; find out before you repeat it.';

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
    return { key, method, answer: await reply.answerQuestion(questionForLegacy({ method, params }), open) };
  });
  const responses: JsonObject = {};
  // One failure fails the call, which takes the questions with it that are still before the client.
  const answers = await Promise.all(asking).finally(() => failing.abort());
  for (const { key, method, answer } of answers) {
    const response = toResponse(method, answer);
    if ('error' in response) return response;
    responses[key] = response.result;
  }
  return { responses };
}

/** A client that fails at showing a form has, to the server, dismissed it; other failures end the call. */
function toResponse(method: string, answer: Answer): Answer {
  return 'error' in answer && method === 'elicitation/create' ? { result: { action: 'cancel' } } : answer;
}

function toRepeatedRequest(
  request: UpstreamRequest,
  required: JsonObject,
  inputResponses: JsonObject,
): UpstreamRequest {
  const { requestState } = required;
  const params: JsonObject = { ...request.params, inputResponses };
  if (requestState === undefined) delete params['requestState'];
  else params['requestState'] = requestState;
  return { ...request, params };
}
