import { sql, type Kysely } from 'kysely';
import type { JsonObject } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { createIdentity } from '../server-identity.js';
import { keyOf, type EntryKind, type StoredEntry } from './entry.js';
import type { EntryPreparation } from './entry-preparation.js';
import { readRows, readState, toStoredEntries, type OpenedRow, type RegistryState } from './entry-rows.js';
import type { RegistryTables } from './registry-tables.js';

/** The columns of an entry that a change sets. */
export interface EntryDraft {
  readonly kind: EntryKind;
  readonly slug: string;
  readonly source: JsonObject;
  readonly isManaged: boolean;
  readonly position?: number;
}

/** A change of entries in its transaction. Its methods throw NotPrepared when the secret store must be asked first. */
export class EntryChange {
  constructor(
    private readonly tables: Kysely<RegistryTables>,
    private readonly preparation: EntryPreparation,
    private readonly clock: Clock,
  ) {}

  readState(): Promise<RegistryState> {
    return readState(this.tables);
  }

  /** Returns the managed entries in the order of the file, then the others by slug. */
  async readEntries(): Promise<readonly StoredEntry[]> {
    const rows = await readRows(this.tables);
    this.preparation.requireOpened(rows);
    return toStoredEntries(rows, (row) => this.preparation.find(row) as OpenedRow);
  }

  async insert(draft: EntryDraft): Promise<void> {
    const now = new Date(this.clock.now());
    const row = {
      ...this.toRow(draft),
      identity: draft.kind === 'server' && !draft.isManaged ? createIdentity(draft.slug) : null,
      version: await this.nextVersion(),
      created_at: now,
      updated_at: now,
    };
    await this.tables.insertInto('registry_entries').values(row).execute();
  }

  async update(draft: EntryDraft): Promise<void> {
    const row = {
      ...this.toRow(draft),
      version: await this.nextVersion(),
      updated_at: new Date(this.clock.now()),
    };
    await this.tables.updateTable('registry_entries').set(row).where('slug', '=', row.slug).execute();
  }

  async delete(entry: Pick<EntryDraft, 'kind' | 'slug'>): Promise<void> {
    await this.tables.deleteFrom('registry_entries').where('slug', '=', keyOf(entry)).execute();
  }

  async setDeclaration(declaration: string): Promise<void> {
    await this.tables.updateTable('registry_state').set({ declaration }).execute();
  }

  private toRow({ kind, slug, source, isManaged, position }: EntryDraft) {
    const columns = this.preparation.toColumns(keyOf({ kind, slug }), source);
    return { ...columns, kind, is_managed: isManaged, position: position ?? null };
  }

  /** Returns the revision that this change produces, which no entry has used as its version before, not even a deleted one. */
  private async nextVersion(): Promise<number> {
    const next = sql<number>`revision + 1`.as('next');
    return (await this.tables.selectFrom('registry_state').select(next).executeTakeFirstOrThrow()).next;
  }
}
