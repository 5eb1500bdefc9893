/** The arguments do not fit a tool. The message tells the client which argument is wrong, and why. */
export class ArgumentFault extends Error {
  override readonly name = 'ArgumentFault';
}

/** The schema of the tool cannot be compiled, so that no arguments can be checked. The message continues a sentence about the schema. */
export class UnusableSchema extends Error {
  override readonly name = 'UnusableSchema';
}
