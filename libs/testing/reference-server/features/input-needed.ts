import type { Question } from './question.js';

/** Ends a modern request. The client has to answer the questions and repeat the request with the state, if any. */
export class InputNeeded extends Error {
  constructor(
    readonly questions: { [key: string]: Question },
    readonly state: string | undefined,
  ) {
    super('The request needs input from the client');
  }
}
