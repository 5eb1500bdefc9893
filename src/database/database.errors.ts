/** The database cannot be used as it is. The message says what to do about it, and holds no password. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
}

/**
 * The database cannot be asked now; trying again later may help. A change whose end was not heard may have been made:
 * whoever tries again looks first.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';

  constructor(cause: unknown) {
    super(`The database cannot be asked now: ${reasonOf(cause)}.`, { cause });
  }
}

/** A host with several addresses fails with several reasons, and no words but a code. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error) || cause.message !== '') return cause instanceof Error ? cause.message : String(cause);
  return 'code' in cause ? String(cause.code) : cause.name;
}
