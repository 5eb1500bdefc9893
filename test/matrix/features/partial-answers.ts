import { expect } from 'expect';
import type { JsonObject } from '#lib/mcp-protocol';
import { DEFAULT_ANSWERS, textOf, type InputRequired, type ToolAnswer } from '../../support/sdk-client.js';
import { V2Client } from '../../support/sdk-v2.js';
import type { Cell } from '../feature.js';

const MOST_ROUNDS = 10;

/** By hand, because the client by itself answers all that it is asked. Resolves with what the call says in the end. */
export async function answersOneAtATime({ client, name }: Cell): Promise<unknown> {
  if (!(client instanceof V2Client)) throw new Error('Only the second generation repeats calls.');
  let more: JsonObject = {};
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const answer = await client.callOnce(name('ask_at_once'), {}, more);
    if (!asksForInput(answer)) {
      expect(round).toBeGreaterThan(3);
      return textOf(answer);
    }
    more = await oneAnswerTo(answer);
  }
  throw new Error('There is no end of questions.');
}

const asksForInput = (answer: ToolAnswer | InputRequired): answer is InputRequired =>
  'resultType' in answer && answer.resultType === 'input_required';

async function oneAnswerTo({ inputRequests = {}, requestState }: InputRequired): Promise<JsonObject> {
  const [[key, question] = []] = Object.entries(inputRequests);
  const inputResponses = key === undefined ? {} : { [key]: await answerTo(question as JsonObject) };
  return { inputResponses, ...(requestState !== undefined && { requestState }) } as JsonObject;
}

async function answerTo({ method, params }: JsonObject): Promise<object> {
  const asked = (params ?? {}) as JsonObject;
  if (method === 'elicitation/create') return DEFAULT_ANSWERS.elicit(asked);
  return method === 'roots/list' ? DEFAULT_ANSWERS.listRoots() : DEFAULT_ANSWERS.sample(asked);
}
