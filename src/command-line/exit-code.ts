/** Exit codes of the program, in the words of its help. */
export const ExitCode = {
  success: 0,
  /** The command ran and failed: the gateway did not start, the file is invalid, the tool reported an error. */
  failed: 1,
  /** The command line or a setting is invalid; nothing was done. */
  usage: 2,
  /** The call was not executed. */
  notExecuted: 3,
  /** It is unknown whether the call was executed. */
  unknown: 4,
} as const;

/** Ends a command with a message on standard error and this exit code. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';

  constructor(
    message: string,
    readonly exitCode: number = ExitCode.usage,
  ) {
    super(message);
  }
}
