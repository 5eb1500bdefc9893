import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { AddressGuard } from '#lib/address-guard';
import type { Variables } from '#lib/config';
import type { SecretStore } from '#lib/extension-kit';
import { SystemClock, type Clock } from '#lib/time';
import type { DatabaseHost } from '../../test/support/databases.js';
import { openDatabase, type DatabasePlace } from '../database/testing.js';
import type { Secrets } from '../data-folder/index.js';
import type { ConfigurationFile } from './configuration-file.js';
import { KnownChecks } from './known-checks.js';
import { openRegistry } from './open-registry.js';
import type { RegistryStore } from './registry-store.js';
import type { RegistrySnapshot, ServerRegistry } from './server-registry.js';
import type { DatabaseServerRegistry } from './stored/database-server-registry.js';

/** The registry of one worker. */
export interface RegistryWorker {
  readonly registry: DatabaseServerRegistry;
  readonly file: ConfigurationFile;
  readonly store: RegistryStore;
  /** Writes the configuration file of this worker and reloads it. */
  reloadWith(text: string): ReturnType<ConfigurationFile['reload']>;
  /** Starts polling the database and watching the file. */
  bootstrap(): void;
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** Name of the configuration file. Workers with the same name share the file. */
  readonly name?: string;
  /** Text to write into the file. Absent: the file stays unchanged. */
  readonly text?: string;
  readonly variables?: Variables;
  /** The first secret encrypts credentials; all of them decrypt. */
  readonly credentials?: Secrets['credentials'];
  readonly createSampleIfMissing?: boolean;
  readonly mayStartPrograms?: boolean;
  readonly allowedNetworks?: readonly string[];
  readonly secretStore?: SecretStore;
  readonly clock?: Clock;
  /** The checks of this worker, which guardrails may name. */
  readonly checks?: ConstructorParameters<typeof KnownChecks>[0];
}

/** One installation: a database, secrets, configuration files, and the workers that a spec opens. */
export class RegistryWorld {
  readonly logged: string[] = [];
  private readonly workers: RegistryWorker[] = [];

  private constructor(
    private readonly host: DatabaseHost,
    readonly place: DatabasePlace,
    readonly folder: string,
    readonly secrets: Pick<Secrets, 'session' | 'credentials'>,
  ) {}

  static async create(host: DatabaseHost): Promise<RegistryWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-registry-'));
    const secrets = { session: randomBytes(32), credentials: [randomBytes(32)] as const };
    const world = new RegistryWorld(host, await host.createDatabase(), folder, secrets);
    const capture = (message: unknown) => void world.logged.push(String(message));
    Logger.overrideLogger({ log: capture, warn: capture, error: capture });
    return world;
  }

  filePath(name = 'isthmus.yaml'): string {
    return join(this.folder, name);
  }

  async open({
    name,
    text,
    variables = {},
    credentials = this.secrets.credentials,
    createSampleIfMissing: mayBegin = false,
    mayStartPrograms = true,
    allowedNetworks = [],
    checks = [],
    secretStore,
    clock = new SystemClock(),
  }: WorkerOptions = {}): Promise<RegistryWorker> {
    const path = this.filePath(name);
    if (text !== undefined) await writeFile(path, text);
    const database = await openDatabase(this.place);
    try {
      const secrets = { ...this.secrets, credentials };
      const open = await openRegistry({
        database,
        clock,
        secrets,
        ...(secretStore && { secretStore }),
        file: path,
        createSampleIfMissing: mayBegin,
        variables,
        checks: new KnownChecks(checks),
        rules: { mayStartPrograms, addresses: new AddressGuard(allowedNetworks) },
      });
      const worker = toWorker(open, path, () => database.close());
      this.workers.push(worker);
      return worker;
    } catch (fault) {
      await database.close();
      throw fault;
    }
  }

  /** Runs SQL past the gateway, like an operator with a database console. */
  runSql(statement: string): Promise<Record<string, unknown>[]> {
    return this.host.run(this.place, statement);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
    Logger.overrideLogger(false);
    await rm(this.folder, { recursive: true });
  }
}

function toWorker(
  open: Awaited<ReturnType<typeof openRegistry>>,
  path: string,
  disconnect: () => Promise<void>,
): RegistryWorker {
  const { registry, file, store } = open;
  return {
    registry,
    file,
    store,
    reloadWith: async (text) => {
      await writeFile(path, text);
      return file.reload();
    },
    bootstrap: () => {
      registry.onApplicationBootstrap();
      file.onApplicationBootstrap();
    },
    close: async () => {
      await file.onApplicationShutdown();
      await registry.onApplicationShutdown();
      await disconnect();
    },
  };
}

export const serverSlugs = (snapshot: RegistrySnapshot): readonly string[] => snapshot.servers.map(({ slug }) => slug);

/** Resolves with the first snapshot that matches the predicate. */
export function waitForSnapshot(
  registry: ServerRegistry,
  matches: (snapshot: RegistrySnapshot) => boolean,
): Promise<RegistrySnapshot> {
  return new Promise((resolve) => {
    if (matches(registry.snapshot)) return resolve(registry.snapshot);
    const stop = registry.onChange((now) => {
      if (!matches(now)) return;
      stop();
      resolve(now);
    });
  });
}
