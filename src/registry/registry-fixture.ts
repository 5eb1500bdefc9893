import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { Variables } from '#lib/config';
import type { DatabaseHost } from '../../test/support/databases.js';
import { openDatabase, type DatabasePlace } from '../database/index.js';
import type { Secrets } from '../data-folder/index.js';
import type { ConfigurationFile } from './configuration-file.js';
import { openRegistry } from './open-registry.js';
import type { RegistryStore } from './registry-store.js';
import type { RegistrySnapshot, ServerRegistry } from './server-registry.js';
import type { DatabaseServerRegistry } from './stored/database-server-registry.js';

/** A worker, as far as the registry goes. */
export interface RegistryWorker {
  readonly registry: DatabaseServerRegistry;
  readonly file: ConfigurationFile;
  readonly store: RegistryStore;
  /** Writes its configuration file and lets it read that. */
  reloadWith(text: string): ReturnType<ConfigurationFile['reload']>;
  /** From now on it looks after the database and its file by itself. */
  bootstrap(): void;
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** Of its configuration file. Those who name the same share it. */
  readonly name?: string;
  /** What stands in the file; without it, it is as it is. */
  readonly text?: string;
  readonly variables?: Variables;
  /** The first one seals credentials, all of them open. */
  readonly credentials?: Secrets['credentials'];
  readonly createSampleIfMissing?: boolean;
  readonly mayStartPrograms?: boolean;
}

/** One installation: a database, secrets, configuration files, and the workers that a spec opens over them. */
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
    const world = new RegistryWorld(host, await host.place(), folder, secrets);
    const note = (message: unknown) => void world.logged.push(String(message));
    Logger.overrideLogger({ log: note, warn: note, error: note });
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
  }: WorkerOptions = {}): Promise<RegistryWorker> {
    const path = this.filePath(name);
    if (text !== undefined) await writeFile(path, text);
    const database = await openDatabase(this.place);
    try {
      const secrets = { ...this.secrets, credentials };
      const open = await openRegistry({
        database,
        secrets,
        file: path,
        createSampleIfMissing: mayBegin,
        variables,
        rules: { mayStartPrograms },
      });
      const worker = workerOf(open, path, () => database.close());
      this.workers.push(worker);
      return worker;
    } catch (fault) {
      await database.close();
      throw fault;
    }
  }

  /** What somebody with a console does to the database. */
  runSql(statement: string): Promise<Record<string, unknown>[]> {
    return this.host.run(this.place, statement);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
    Logger.overrideLogger(false);
    await rm(this.folder, { recursive: true });
  }
}

function workerOf(
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

/** Resolves with the first state that is as it should be. */
export function waitForSnapshot(
  registry: ServerRegistry,
  isGood: (snapshot: RegistrySnapshot) => boolean,
): Promise<RegistrySnapshot> {
  return new Promise((resolve) => {
    if (isGood(registry.snapshot)) return resolve(registry.snapshot);
    const stop = registry.onChange((now) => {
      if (!isGood(now)) return;
      stop();
      resolve(now);
    });
  });
}
