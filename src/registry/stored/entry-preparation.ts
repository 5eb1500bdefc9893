import { canonicalJson, type JsonObject } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { writeJson } from '../../database/index.js';
import type { EntryCipher } from './entry-cipher.js';
import type { OpenedRow, SealedRow } from './entry-rows.js';
import type { OpenedEntries } from './opened-entries.js';
import { StoreRound } from './store-round.js';

/** A change needs something of the secret store that is not known yet. Its transaction is rolled back and repeated. */
export class NotPrepared extends Error {
  override readonly name = 'NotPrepared';
}

/** Stands for a sealed text in a transaction that is rolled back. */
const PENDING = 'pending';

/**
 * What a change needs of the secret store. Other writers wait for the transaction of a change, so the store is asked between
 * transactions: an attempt collects what is missing and is rolled back, and is repeated once the store has answered.
 */
export class EntryPreparation {
  /** Sealed sources by entry and source. */
  private readonly sealed = new Map<string, OpenedRow>();
  private readonly unsealed = new Map<string, { readonly slug: string; readonly source: JsonObject }>();
  private unopened: readonly SealedRow[] = [];
  /** The rows that the current attempt has written, by slug. */
  private written = new Map<string, OpenedRow>();

  constructor(
    private readonly opened: OpenedEntries,
    private readonly cipher: EntryCipher,
    private readonly clock: Clock,
  ) {}

  begin(): void {
    this.written = new Map();
  }

  /** @throws NotPrepared when a row is not open */
  requireOpened(rows: readonly SealedRow[]): void {
    this.unopened = rows.filter((row) => this.find(row) === undefined);
    if (this.unopened.length > 0) throw new NotPrepared();
  }

  find(row: SealedRow): OpenedRow | undefined {
    const own = this.written.get(row.slug);
    return own?.entry === row.entry && own.sealed === row.sealed ? own : this.opened.find(row);
  }

  /** The columns for a source, with a placeholder for a text that must be sealed first. */
  toColumns(slug: string, source: JsonObject): SealedRow {
    const { entry, credentials } = this.cipher.split(source);
    const key = toKey(slug, source);
    const plain = { slug, entry: writeJson(entry), sealed: null, source, isCurrent: true };
    const sealed = credentials === undefined ? plain : this.sealed.get(key);
    if (!sealed) this.unsealed.set(key, { slug, source });
    const row = sealed ?? { ...plain, sealed: PENDING };
    this.written.set(slug, row);
    return { slug, entry: row.entry, sealed: row.sealed };
  }

  /** @throws NotPrepared when the attempt has written a placeholder */
  requireSealed(): void {
    if (this.unsealed.size > 0) throw new NotPrepared();
  }

  /**
   * Asks the secret store for what the last attempt lacked.
   * @throws SecretStoreUnavailable when it does not seal
   */
  async complete(): Promise<void> {
    await this.opened.open(this.unopened);
    await new StoreRound(this.clock).run([...this.unsealed], async ([key, { slug, source }]) => {
      const { entry, sealed } = await this.cipher.encrypt(slug, source);
      this.sealed.set(key, { slug, entry: writeJson(entry), sealed, source, isCurrent: true });
      this.unsealed.delete(key);
    });
  }

  /** The rows of a committed attempt are open. */
  commit(): void {
    this.opened.remember(this.written.values());
  }
}

const toKey = (slug: string, source: JsonObject): string => `${slug} ${canonicalJson(source)}`;
