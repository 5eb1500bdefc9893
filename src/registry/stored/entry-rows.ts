import type { Kysely, Selectable } from 'kysely';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { readBoolean, readInstant, readJson } from '../../database/index.js';
import type { SecretStoreUnavailable } from '../registry.errors.js';
import type { StoredEntry } from './entry.js';
import type { RegistryTables } from './registry-tables.js';

type Row = Selectable<RegistryTables['registry_entries']>;

/** The columns of an entry that its source consists of. `slug` is its key. */
export type SealedRow = Pick<Row, 'slug' | 'entry' | 'sealed'>;

/** A row with the source that the secret store has opened. */
export interface OpenedRow extends SealedRow {
  /** Undefined when its credentials cannot be opened. */
  readonly source: JsonObject | undefined;
  /** False when the credentials must be sealed again. */
  readonly isCurrent: boolean;
  /** Why the secret store has not opened it. */
  readonly outage?: SecretStoreUnavailable;
}

/** `revision` increases with every change. `declaration` is the digest of the last declared configuration file. */
export interface RegistryState {
  readonly revision: number;
  readonly declaration: string | undefined;
}

export async function readState(tables: Kysely<RegistryTables>): Promise<RegistryState> {
  const columns = ['revision', 'declaration'] as const;
  const { revision, declaration } = await tables.selectFrom('registry_state').select(columns).executeTakeFirstOrThrow();
  return { revision, declaration: declaration ?? undefined };
}

export const readRows = (tables: Kysely<RegistryTables>): Promise<Row[]> =>
  tables.selectFrom('registry_entries').selectAll().execute();

/** Returns the managed entries in the order of the file, then the others by slug. */
export function toStoredEntries(rows: readonly Row[], find: (row: Row) => OpenedRow): readonly StoredEntry[] {
  return rows.map((row) => toStoredEntry(row, find(row))).toSorted(byPosition);
}

function toStoredEntry(row: Row, { source, outage }: OpenedRow): StoredEntry {
  const plain = outage && parseObject(row.entry);
  return {
    kind: row.kind,
    slug: row.slug.slice(row.slug.indexOf(':') + 1),
    source,
    ...(outage && { outage: outage.message }),
    ...(plain && { plain }),
    isManaged: readBoolean(row.is_managed),
    ...(row.position !== null && { position: row.position }),
    version: row.version,
    refreshes: row.refreshes,
    ...(row.identity !== null && { identity: row.identity }),
    createdAt: readInstant(row.created_at),
    updatedAt: readInstant(row.updated_at),
  };
}

/** Sorts in code, because databases order text differently. */
function byPosition(one: StoredEntry, other: StoredEntry): number {
  const difference = (one.position ?? Infinity) - (other.position ?? Infinity);
  // For two unmanaged entries the difference is NaN, so their slugs decide.
  return difference || (one.slug < other.slug ? -1 : 1);
}

/** Undefined when a manual change left a value that is no JSON object. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value = readJson(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
