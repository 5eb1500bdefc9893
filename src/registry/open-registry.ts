import type { Variables } from '#lib/config';
import type { Database } from '../database/index.js';
import { createOnce, type Secrets } from '../data-folder/index.js';
import { ConfigurationFile } from './configuration-file.js';
import type { RegistryStore } from './registry-store.js';
import { SAMPLE_CONFIGURATION } from './sample-configuration.js';
import { DatabaseRegistryStore } from './stored/database-registry-store.js';
import { DatabaseServerRegistry } from './stored/database-server-registry.js';
import { Declarations } from './stored/declarations.js';
import { EntryResolver, type EntryRules } from './stored/entry-resolver.js';
import { EntryCipher } from './stored/entry-cipher.js';
import { EntryTable } from './stored/entry-table.js';

/** A change of another worker is noticed so soon: well within a second, its reading included. */
const POLL_MS = { sqlite: 250, postgres: 500 } as const;

export interface RegistryOptions {
  readonly database: Database;
  /** Credentials are sealed with keys that are derived from them; the same on all hosts. */
  readonly secrets: Pick<Secrets, 'session' | 'credentials'>;
  /** Absolute path of the configuration file. */
  readonly file: string;
  /** A file that is not there is filled with the sample, unless something was declared before. */
  readonly createSampleIfMissing: boolean;
  /** What `${NAME}` stands for in the file. */
  readonly variables: Variables;
  /** What holds for entries that are made over `RegistryStore`. */
  readonly rules: EntryRules;
}

/** All that keeps what is configured. */
export abstract class RegistryComponents {
  abstract readonly registry: DatabaseServerRegistry;
  abstract readonly file: ConfigurationFile;
  abstract readonly store: RegistryStore;
}

/**
 * Opens the registry in a database, with what the configuration file declares.
 * @throws RegistryFault that names everything that is wrong with the file
 */
export async function openRegistry(options: RegistryOptions): Promise<RegistryComponents> {
  const { database, file: path, variables } = options;
  const seal = new EntryCipher(options.secrets);
  const table = new EntryTable(database, seal);
  const declarations = new Declarations(table, seal, path);
  const reader = new EntryResolver(variables, options.rules);
  const registry = new DatabaseServerRegistry(table, declarations, reader, POLL_MS[database.kind]);
  const file = new ConfigurationFile(path, variables, declarations, registry);
  // A file that got lost must not end all servers by a sample in its place.
  const { declaration } = await table.readState();
  if (options.createSampleIfMissing && declaration === undefined) await createOnce(path, SAMPLE_CONFIGURATION);
  await table.reencryptCredentials();
  await file.open();
  const store = new DatabaseRegistryStore({ table, resolver: reader, refresh: () => registry.refresh() });
  return { registry, file, store };
}
