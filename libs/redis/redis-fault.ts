/** Redis could not be asked, or did not say. The message names no argument of the command, hence no secret. */
export class RedisFault extends Error {
  override readonly name = 'RedisFault';

  constructor(
    /** True when the command may have been carried out all the same. */
    readonly attempted: boolean,
    message: string,
  ) {
    super(message);
  }
}
