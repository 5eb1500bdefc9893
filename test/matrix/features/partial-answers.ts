import { expect } from 'expect';
import type { JsonObject } from '#lib/mcp-protocol';
import { DEFAULT_ANSWERS, textOf, type InputRequired, type ToolAnswer } from '../../support/sdk-client.js';
import { V2Client } from '../../support/sdk-v2.js';
import type { Cell } from '../feature.js';

const MAX_ROUNDS = 10;

/** Repeats the call by hand, because the client would answer all questions at once. Resolves with the text of the result. */
export async function answersOneAtATime({ client, name }: Cell): Promise<unknown> {
  if (!(client instanceof V2Client)) throw new Error('Only the second generation repeats calls.');
  let more: JsonObject = {};
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const answer = await client.callOnce(name('ask_at_once'), {}, more);
    if (!isInputRequired(answer)) {
      expect(round).toBeGreaterThan(3);
      return textOf(answer);
    }
    more = await answerFirst(answer);
  }
  throw new Error(`The server still requires input after ${MAX_ROUNDS} rounds.`);
}

const isInputRequired = (answer: ToolAnswer | InputRequired): answer is InputRequired =>
  'resultType' in answer && answer.resultType === 'input_required';

async function answerFirst({ inputRequests = {}, requestState }: InputRequired): Promise<JsonObject> {
  const [[key, question] = []] = Object.entries(inputRequests);
  const inputResponses = key === undefined ? {} : { [key]: await answerQuestion(question as JsonObject) };
  return { inputResponses, ...(requestState !== undefined && { requestState }) } as JsonObject;
}

async function answerQuestion({ method, params }: JsonObject): Promise<object> {
  const request = (params ?? {}) as JsonObject;
  if (method === 'elicitation/create') return DEFAULT_ANSWERS.elicit(request);
  return method === 'roots/list' ? DEFAULT_ANSWERS.listRoots() : DEFAULT_ANSWERS.sample(request);
}
