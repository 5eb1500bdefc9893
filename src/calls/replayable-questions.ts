/**
 * A modern server ends a call with questions and expects the call to be repeated with the answers (specification 2026:
 * basic/patterns/mrtr). A legacy client cannot do that, so the gateway sends it the questions on the stream of its
 * call.
 */
import { GatewayError } from '#lib/extension-kit';
import {
  capabilityOfQuestion,
  failure,
  GatewayCode,
  isJsonObject,
  requiresInput,
  toLegacyQuestion,
  type Answer,
  type JsonObject,
  type Outcome,
  type RpcError,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import { RepeatBackoff } from './repeat-backoff.js';
import { TooManyQuestionRounds, UndeclaredQuestion } from './calls.errors.js';

export interface RoundLimits {
  readonly server: string;
  readonly maxRounds: number;
  /** How long the server may take without a question to the client, in milliseconds. */
  readonly requestMs: number;
  readonly clock: Clock;
}

/**
 * Sends the questions and repeats the call with the answers until the server returns a final outcome.
 * @param send sends a request to the server
 */
export async function answerReplayableQuestions(
  send: (request: UpstreamRequest) => Promise<Outcome>,
  request: UpstreamRequest,
  firstRequired: JsonObject,
  reply: UpstreamReply,
  signal: AbortSignal,
  { server, maxRounds, requestMs, clock }: RoundLimits,
): Promise<Outcome> {
  const backoff = new RepeatBackoff(clock, requestMs);
  let required = firstRequired;
  for (let round = 0; round < maxRounds; round += 1) {
    const answers = await collectAnswers(server, request, required, reply, signal);
    if ('error' in answers) return failure(answers.error);
    const ended = await pauseIfUnanswered(answers.responses, backoff, signal);
    if (ended) return ended;
    const outcome = await sendRepeated(send, toRepeatedRequest(request, required, answers.responses));
    if (outcome.kind === 'error' || !requiresInput(outcome.result)) return outcome;
    required = outcome.result;
  }
  throw new TooManyQuestionRounds(server, maxRounds);
}

/** Waits before a repetition without answers. A client that answers has already delayed the repetition. */
async function pauseIfUnanswered(
  answers: JsonObject,
  backoff: RepeatBackoff,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  if (Object.keys(answers).length === 0) return backoff.wait(signal);
  backoff.reset();
  return undefined;
}

/** Converts a failure to send to an outcome: the call has already begun and must not be started again. */
export async function sendRepeated(
  send: (request: UpstreamRequest) => Promise<Outcome>,
  request: UpstreamRequest,
): Promise<Outcome> {
  try {
    return await send(request);
  } catch (cause) {
    if (cause instanceof GatewayError) return cause.toOutcome();
    throw cause;
  }
}

/**
 * Replaces "not executed" by "unknown" for a call that the server has already executed in part: the original code and
 * message are true of the last round only.
 */
export function toUnknownOutcome(failed: Outcome): Outcome {
  if (failed.kind !== 'error') return failed;
  const { data } = failed.error;
  if (!isJsonObject(data) || data['outcome'] !== 'not_executed') return failed;
  const { retryAfterMs: _later, ...rest } = data;
  const unknownData = { ...rest, outcome: 'unknown', retriable: false };
  return failure({ code: GatewayCode.outcomeUnknown, message: INTERRUPTED_MESSAGE, data: unknownData }, 504);
}

const INTERRUPTED_MESSAGE =
  'The call began but could not continue after its questions. Its outcome is unknown; check before you repeat it.';

type Collected = { readonly responses: JsonObject } | { readonly error: RpcError };

async function collectAnswers(
  server: string,
  request: UpstreamRequest,
  required: JsonObject,
  reply: UpstreamReply,
  signal: AbortSignal,
): Promise<Collected> {
  const questions = isJsonObject(required['inputRequests']) ? Object.entries(required['inputRequests']) : [];
  const failed = new AbortController();
  const open = AbortSignal.any([signal, failed.signal]);
  const answering = questions.map(async ([key, question]) => {
    const method = isJsonObject(question) && typeof question['method'] === 'string' ? question['method'] : '';
    const capability = capabilityOfQuestion(method);
    if (!capability || !request.client.capabilities[capability]) throw new UndeclaredQuestion(server, method);
    const params = isJsonObject(question) && isJsonObject(question['params']) ? question['params'] : {};
    return { key, method, answer: await reply.answerQuestion(toLegacyQuestion({ method, params }), open) };
  });
  const responses: JsonObject = {};
  // One failure fails the call, which withdraws the questions that are still open.
  const answers = await Promise.all(answering).finally(() => failed.abort());
  for (const { key, method, answer } of answers) {
    const response = toResponse(method, answer);
    if ('error' in response) return response;
    responses[key] = response.result;
  }
  return { responses };
}

/** Reports a form that the client failed to show as dismissed. Other failures end the call. */
export function toResponse(method: string, answer: Answer): Answer {
  return 'error' in answer && method === 'elicitation/create' ? { result: { action: 'cancel' } } : answer;
}

export function toRepeatedRequest(
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
