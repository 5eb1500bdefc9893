/** The embedded Redis cannot be started. The message says what to do instead. */
export class EmbeddedRedisFault extends Error {
  override readonly name = 'EmbeddedRedisFault';
}
