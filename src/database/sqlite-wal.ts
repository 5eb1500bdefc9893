import type { DatabaseSync } from 'node:sqlite';

/** The file system does not support write-ahead logging, which needs shared memory. */
export class WalUnsupported extends Error {
  override readonly name = 'WalUnsupported';

  constructor(mode: string) {
    super(`SQLite uses the journal mode ${mode} instead of wal`);
  }
}

/** Switches to write-ahead logging. SQLite reports a failure of this statement only by its result. @throws WalUnsupported */
export function enableWal(database: DatabaseSync): void {
  const mode = String(database.prepare('pragma journal_mode = wal').get()?.['journal_mode']);
  if (mode !== 'wal') throw new WalUnsupported(mode);
}
