import type { Variables } from '#lib/config';
import type { SecretStore } from '#lib/extension-kit';
import type { Clock } from '#lib/time';
import type { Database } from '../database/index.js';
import { createOnce, type Secrets } from '../data-folder/index.js';
import { CheckedSecretStore } from './checked-secret-store.js';
import { ConfigurationFile } from './configuration-file.js';
import type { KnownChecks } from './known-checks.js';
import { DataFolderSecretStore } from './data-folder-secret-store.js';
import type { RegistryStore } from './registry-store.js';
import { SAMPLE_CONFIGURATION } from './sample-configuration.js';
import { ServerKinds } from './server-kinds.js';
import { DatabaseRegistryStore } from './stored/database-registry-store.js';
import { DatabaseServerRegistry } from './stored/database-server-registry.js';
import { Declarations } from './stored/declarations.js';
import { EntryResolver, type EntryRules } from './stored/entry-resolver.js';
import { EntryCipher } from './stored/entry-cipher.js';
import { EntryTable } from './stored/entry-table.js';

/** Polling intervals at which changes by other workers are detected: within a second, including the reload. */
const POLL_INTERVAL_MS = { sqlite: 250, postgres: 500 } as const;

export interface RegistryOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Credentials are encrypted with keys derived from these secrets, which must be the same on all hosts. */
  readonly secrets: Pick<Secrets, 'session' | 'credentials'>;
  /** Seals credentials of entries. Default: with `secrets.credentials`. */
  readonly secretStore?: SecretStore;
  /** Absolute path of the configuration file. */
  readonly file: string;
  /** Creates a missing file from the sample, unless an earlier file was declared before. */
  readonly createSampleIfMissing: boolean;
  /** Values of `${NAME}` in the file. */
  readonly variables: Variables;
  /** The checks that guardrails may name. */
  readonly checks: KnownChecks;
  /** Rules for entries that are created over `RegistryStore`. */
  readonly rules: EntryRules;
  /** The kinds of servers. Default: those of the gateway itself. */
  readonly kinds?: ServerKinds;
}

/** The registry with its configuration file and its store. */
export abstract class RegistryComponents {
  abstract readonly registry: DatabaseServerRegistry;
  abstract readonly file: ConfigurationFile;
  abstract readonly store: RegistryStore;
}

/**
 * Opens the registry in a database and applies the configuration file to it.
 * @throws RegistryFault with every fault of the file
 */
export async function openRegistry(options: RegistryOptions): Promise<RegistryComponents> {
  const { database, clock, file: path, variables, checks, kinds = new ServerKinds() } = options;
  const { secretStore = new DataFolderSecretStore(options.secrets) } = options;
  const seal = new EntryCipher(new CheckedSecretStore(secretStore, clock), options.secrets);
  const table = new EntryTable(database, seal, clock);
  const declarations = new Declarations(table, seal, path, clock);
  const resolver = new EntryResolver(variables, kinds, options.rules, checks);
  const registry = new DatabaseServerRegistry(table, declarations, resolver, POLL_INTERVAL_MS[database.kind], clock);
  const file = new ConfigurationFile(path, variables, kinds, declarations, registry, clock, checks);
  // If a declared file was lost, a sample in its place would remove all declared servers.
  const { declaration } = await table.readState();
  if (options.createSampleIfMissing && declaration === undefined) await createOnce(path, SAMPLE_CONFIGURATION);
  await table.reencryptCredentials();
  await file.open();
  const store = new DatabaseRegistryStore({ table, clock, resolver, refresh: () => registry.refresh() });
  return { registry, file, store };
}
