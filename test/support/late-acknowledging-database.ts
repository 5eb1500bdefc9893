import type { Transaction } from 'kysely';
import { Database } from '../../src/database/index.js';

/** Commits its first transaction at once, but returns from it only after `acknowledge`. */
export class LateAcknowledgingDatabase extends Database {
  private readonly commit = Promise.withResolvers<void>();
  private readonly acknowledgement = Promise.withResolvers<void>();
  private transactions = 0;

  /** Resolves when the first transaction is committed. */
  readonly committed = this.commit.promise;
  readonly acknowledge = this.acknowledgement.resolve;

  override async runExclusively<T, R>(name: string, work: (transaction: Transaction<T>) => Promise<R>): Promise<R> {
    const isFirst = (this.transactions += 1) === 1;
    const result = await super.runExclusively(name, work);
    this.commit.resolve();
    if (isFirst) await this.acknowledgement.promise;
    return result;
  }
}
