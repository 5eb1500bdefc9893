import { Database, DatabaseUnavailable } from '../../src/database/index.js';

/** A database that never responds. */
export class UnavailableDatabase extends Database {
  constructor() {
    super({ kind: 'sqlite', file: '' });
  }

  override tables(): never {
    throw new DatabaseUnavailable('this world has none');
  }

  override async runExclusively(): Promise<never> {
    throw new DatabaseUnavailable('this world has none');
  }

  override async close(): Promise<void> {
    // Nothing was opened.
  }
}
