/**
 * A modern client answers the questions of a modern server itself, by repeating its call with the answers. Handlers of the call see
 * the questions on their way to the client, and may answer for it.
 */
import {
  failure,
  isJsonObject,
  requiresInput,
  type JsonObject,
  type JsonValue,
  type Outcome,
  type Question,
} from '#lib/mcp-protocol';
import type { UpstreamRequest } from '../upstream/index.js';
import type { CallMessages } from './call-messages.js';
import { AnsweredByRepetition, TooManyQuestionRounds } from './calls.errors.js';
import { sendRepeated, toRepeatedRequest, toResponse, type RoundLimits } from './replayable-questions.js';

type ExecutedResult = Extract<Outcome, { kind: 'result' }>;
type OnQuestion = NonNullable<CallMessages['onQuestion']>;

/** What became of the questions of one result. */
interface PassedQuestions {
  /** For the client, by their keys. */
  readonly inputRequests: JsonObject;
  /** Answers of handlers, by the keys of their questions. */
  readonly responses: JsonObject;
}

/**
 * Returns the questions that the client receives, or the outcome of the call once handlers have answered all questions. An answer of
 * a handler beside a question that remains has no effect: the server asks again when the client repeats the call.
 * @param send sends a request to the server
 * @throws MessageRefused, TooManyQuestionRounds
 */
export async function passReplayableQuestions(
  send: (request: UpstreamRequest) => Promise<Outcome>,
  request: UpstreamRequest,
  first: ExecutedResult,
  onQuestion: OnQuestion,
  signal: AbortSignal,
  { server, maxRounds }: RoundLimits,
): Promise<Outcome> {
  let required = first;
  for (let round = 0; round < maxRounds; round += 1) {
    const questions = required.result['inputRequests'];
    if (!isJsonObject(questions) || Object.keys(questions).length === 0) return required;
    const passed = await passAll(questions, onQuestion, signal);
    if ('error' in passed) return passed.error;
    const { inputRequests, responses } = passed;
    if (Object.keys(inputRequests).length > 0) return { ...required, result: { ...required.result, inputRequests } };
    const outcome = await sendRepeated(send, toRepeatedRequest(request, required.result, responses));
    if (outcome.kind === 'error' || !requiresInput(outcome.result)) return outcome;
    required = outcome;
  }
  throw new TooManyQuestionRounds(server, maxRounds);
}

async function passAll(
  questions: JsonObject,
  onQuestion: OnQuestion,
  signal: AbortSignal,
): Promise<PassedQuestions | { readonly error: Outcome }> {
  const inputRequests: JsonObject = {};
  const responses: JsonObject = {};
  for (const [key, given] of Object.entries(questions)) {
    const question = readQuestion(given);
    const passed = await passOne(question, onQuestion, signal);
    if ('asked' in passed) {
      inputRequests[key] =
        passed.asked === question && given !== undefined ? given : (passed.asked as unknown as JsonObject);
      continue;
    }
    const response = toResponse(question.method, passed.answer);
    if ('error' in response) return { error: failure(response.error) };
    responses[key] = response.result;
  }
  return { inputRequests, responses };
}

/** A question that a handler has passed on reaches the client, even if the handler then returns an answer. */
async function passOne(question: Question, onQuestion: OnQuestion, signal: AbortSignal) {
  let asked: Question | undefined;
  const ask = (passed: Question): Promise<never> => {
    asked = passed;
    return Promise.reject(new AnsweredByRepetition());
  };
  try {
    const answer = await onQuestion(question, ask, signal);
    return asked ? { asked } : { answer };
  } catch (cause) {
    if (asked && cause instanceof AnsweredByRepetition) return { asked };
    throw cause;
  }
}

/** Handlers see what they cannot understand, too: it must not pass them unseen. */
function readQuestion(given: JsonValue | undefined): Question {
  const { method, params } = isJsonObject(given) ? given : {};
  return { method: typeof method === 'string' ? method : '', params: isJsonObject(params) ? params : {} };
}
