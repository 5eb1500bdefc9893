import type { StoredBoolean, StoredInstant, StoredJson } from '../../database/index.js';
import type { EntryKind } from './entry.js';

/** As migration 0001-registry makes them. */
export type RegistryTables = {
  registry_entries: {
    slug: string;
    kind: EntryKind;
    entry: StoredJson;
    sealed: string | null;
    is_managed: StoredBoolean;
    position: number | null;
    version: number;
    created_at: StoredInstant;
    updated_at: StoredInstant;
  };
  registry_state: { id: number; revision: number; declaration: string | null };
};
