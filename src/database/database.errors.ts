/** The database cannot be used until an operator intervenes. The message says what to do and contains no password. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
}

/**
 * The database does not respond at the moment; a later retry may succeed. A change may have been committed although its
 * confirmation was lost, so read the current state before retrying a change.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';

  constructor(cause: unknown) {
    super(`The database is unavailable: ${describeCause(cause)}.`, { cause });
  }
}

/** A failed connection to a host with several addresses is an AggregateError without a message, only a code. */
function describeCause(cause: unknown): string {
  if (!(cause instanceof Error) || cause.message !== '') return cause instanceof Error ? cause.message : String(cause);
  return 'code' in cause ? String(cause.code) : cause.name;
}
