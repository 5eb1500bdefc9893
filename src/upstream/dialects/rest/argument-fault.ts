/** The arguments do not fit a tool. The message tells the client which argument is wrong, and why. */
export class ArgumentFault extends Error {
  override readonly name = 'ArgumentFault';
}
