import { expect } from 'expect';
import { textOf, type ToolAnswer } from '../support/sdk-client.js';

/** An error, or a result that says that it is one: never a success. Resolves with its words. */
export async function expectHonestFailure(answering: Promise<unknown>): Promise<string> {
  return answering.then(
    (answer) => {
      expect(answer).toMatchObject({ isError: true });
      return String(textOf(answer as ToolAnswer));
    },
    (cause: unknown) => (cause as Error).message,
  );
}
