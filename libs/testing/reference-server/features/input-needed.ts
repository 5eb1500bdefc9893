import type { Question } from './question.js';

/** Ends a modern request: the client has to answer these questions and repeat it with the state, if there is one. */
export class InputNeeded extends Error {
  constructor(
    readonly questions: { [key: string]: Question },
    readonly state: string | undefined,
  ) {
    super('The request needs input from the client');
  }
}
