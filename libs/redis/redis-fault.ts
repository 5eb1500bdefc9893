/** Redis cannot be reached, or did not reply. The message contains no argument of the command, hence no secret. */
export class RedisFault extends Error {
  override readonly name = 'RedisFault';

  constructor(
    /** True if the command may still have been executed. */
    readonly attempted: boolean,
    message: string,
  ) {
    super(message);
  }
}
