import { expect } from 'expect';
import { textOf, type ToolAnswer } from '../support/sdk-client.js';

/** Expects an error or a result with `isError`, never a success. Resolves with its text. */
export async function expectReportedFailure(answering: Promise<unknown>): Promise<string> {
  return answering.then(
    (answer) => {
      expect(answer).toMatchObject({ isError: true });
      return String(textOf(answer as ToolAnswer));
    },
    (cause: unknown) => (cause as Error).message,
  );
}
