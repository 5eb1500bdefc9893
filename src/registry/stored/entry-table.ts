import { Logger } from '@nestjs/common';
import { sql, type Kysely } from 'kysely';
import type { Clock } from '#lib/time';
import { writeJson, type Database } from '../../database/index.js';
import { SecretStoreUnavailable } from '../registry.errors.js';
import type { StoredEntry } from './entry.js';
import { EntryChange } from './entry-change.js';
import type { EntryCipher } from './entry-cipher.js';
import { EntryPreparation, NotPrepared } from './entry-preparation.js';
import { readRows, readState, toStoredEntries, type OpenedRow, type RegistryState } from './entry-rows.js';
import { OpenedEntries } from './opened-entries.js';
import type { RegistryTables } from './registry-tables.js';
import { StoreRound } from './store-round.js';

/** Repository of registry entries. No transaction waits for the secret store. */
export class EntryTable {
  private readonly opened: OpenedEntries;
  private readonly logger = new Logger('Registry');

  constructor(
    private readonly database: Database,
    private readonly cipher: EntryCipher,
    private readonly clock: Clock,
  ) {
    this.opened = new OpenedEntries(cipher, clock);
  }

  /**
   * Runs a change of entries in a transaction. Changes are serialized across all processes and hosts. `work` is repeated after the
   * secret store was asked for what it needed.
   * @throws SecretStoreUnavailable
   */
  async runExclusively<R>(work: (change: EntryChange) => Promise<R>): Promise<R> {
    const preparation = new EntryPreparation(this.opened, this.cipher, this.clock);
    for (;;) {
      try {
        const result = await this.attempt(work, preparation);
        preparation.commit();
        return result;
      } catch (cause) {
        if (!(cause instanceof NotPrepared)) throw cause;
        await preparation.complete();
      }
    }
  }

  readState(): Promise<RegistryState> {
    return readState(this.tables);
  }

  /** Returns the managed entries in the order of the file, then the others by slug. */
  async readEntries(): Promise<readonly StoredEntry[]> {
    const rows = await readRows(this.tables);
    const opened = await this.opened.open(rows);
    this.opened.retain(rows);
    return toStoredEntries(rows, ({ slug }) => opened.get(slug) as OpenedRow);
  }

  /** Asks again about entries that the secret store has not opened. Returns how many it has opened now, and how many not. */
  reopen(): ReturnType<OpenedEntries['reopen']> {
    return this.opened.reopen();
  }

  /** Returns false when there is no such server. */
  async incrementRefreshes(slug: string): Promise<boolean> {
    return await this.database.runExclusively<RegistryTables, boolean>('registry', async (tables) => {
      const { numUpdatedRows } = await tables
        .updateTable('registry_entries')
        .set({ refreshes: sql<number>`refreshes + 1` })
        .where('slug', '=', slug)
        .where('kind', '=', 'server')
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  /** Encrypts credentials in clear, and those of older secrets, with the current one. Versions and definitions stay the same. */
  async reencryptCredentials(): Promise<void> {
    const opened = await this.opened.open(await readRows(this.tables));
    const resealed = await this.reseal([...opened.values()].filter(({ isCurrent }) => !isCurrent));
    if (resealed.length === 0) return;
    await this.database.runExclusively<RegistryTables, void>('registry', async (tables) => {
      const rows = new Map((await readRows(tables)).map((row) => [row.slug, row]));
      for (const { before, after } of resealed) {
        const { slug, entry, sealed } = after;
        const now = rows.get(slug);
        // Another worker may have changed the entry since it was read.
        if (now?.entry !== before.entry || now.sealed !== before.sealed) continue;
        await tables.updateTable('registry_entries').set({ entry, sealed }).where('slug', '=', slug).execute();
      }
    });
    this.opened.remember(resealed.map(({ after }) => after));
  }

  private get tables(): Kysely<RegistryTables> {
    return this.database.tables<RegistryTables>();
  }

  private attempt<R>(work: (change: EntryChange) => Promise<R>, preparation: EntryPreparation): Promise<R> {
    return this.database.runExclusively<RegistryTables, R>('registry', async (tables) => {
      preparation.begin();
      const result = await work(new EntryChange(tables, preparation, this.clock));
      preparation.requireSealed();
      return result;
    });
  }

  private async reseal(rows: readonly OpenedRow[]): Promise<readonly Resealed[]> {
    const resealed: Resealed[] = [];
    const round = new StoreRound(this.clock);
    await round.run(rows, async (before) => {
      const { slug, source } = before;
      if (source === undefined || round.isOver) return;
      try {
        const { entry, sealed } = await this.cipher.encrypt(slug, source);
        resealed.push({ before, after: { slug, entry: writeJson(entry), sealed, source, isCurrent: true } });
      } catch (cause) {
        if (!(cause instanceof SecretStoreUnavailable)) throw cause;
        round.end(cause);
        this.logger.warn(`The credentials of "${slug}" are sealed again at the next start. ${cause.message}`);
      }
    });
    return resealed;
  }
}

interface Resealed {
  readonly before: OpenedRow;
  readonly after: OpenedRow;
}
