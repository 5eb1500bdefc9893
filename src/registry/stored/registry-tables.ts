import type { Generated } from 'kysely';
import type { StoredBoolean, StoredInstant, StoredJson } from '../../database/index.js';
import type { EntryKind } from './entry.js';

/** Tables of migrations 0001-registry, 0005-refreshes and 0011-server-identity. */
export type RegistryTables = {
  registry_entries: {
    /** The slug of a server, a virtual server or the default endpoint; `kind:slug` for other kinds. */
    slug: string;
    kind: EntryKind;
    entry: StoredJson;
    sealed: string | null;
    is_managed: StoredBoolean;
    position: number | null;
    version: number;
    refreshes: Generated<number>;
    identity: Generated<string | null>;
    created_at: StoredInstant;
    updated_at: StoredInstant;
  };
  registry_state: { id: number; revision: number; declaration: string | null };
};
