import { expect } from 'expect';
import { textOf, type ToolAnswer } from '../support/sdk-client.js';

/** An error, or a result that says that it is one: never a success. Resolves with its words. */
export async function expectHonestFailure(answering: Promise<unknown>): Promise<string> {
  const answer = await answering.catch((cause: unknown) => cause);
  if (answer instanceof Error) return answer.message;
  expect(answer).toMatchObject({ isError: true });
  return String(textOf(answer as ToolAnswer));
}
