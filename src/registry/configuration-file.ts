import { isDeepStrictEqual } from 'node:util';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Variables } from '#lib/config';
import { readConfigurationFile } from './configuration-file.js';
import { watchFile } from './file-watch.js';
import type { Configuration } from './read-configuration.js';
import { ServerRegistry, type RegistrySnapshot } from './server-registry.js';

type Listener = (now: RegistrySnapshot, before: RegistrySnapshot) => void;

/** What became of a reload. `refused`: the file is at fault, the faults are in the log, the old state stays. */
export type Reload = 'applied' | 'unchanged' | 'refused';

/** Keeps the configuration in one YAML or JSON file and follows its changes. */
export class FileServerRegistry extends ServerRegistry implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Registry');
  private readonly listeners = new Set<Listener>();
  private reloading: Promise<unknown> = Promise.resolve();
  private watching: { close(): void } | undefined;

  private constructor(
    readonly file: string,
    private readonly variables: Variables,
    private current: RegistrySnapshot,
  ) {
    super();
  }

  /** Throws a RegistryFault that names everything that is wrong with the file. */
  static async open(file: string, variables: Variables): Promise<FileServerRegistry> {
    const configuration = await readConfigurationFile(file, variables);
    return new FileServerRegistry(file, variables, { version: 1, ...configuration });
  }

  get snapshot(): RegistrySnapshot {
    return this.current;
  }

  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Reads the file again. Reloads run one after the other; it never rejects. */
  reload(): Promise<Reload> {
    const reload = this.reloading.then(() => this.readAgain());
    this.reloading = reload;
    return reload;
  }

  onApplicationBootstrap(): void {
    const notWatched = (fault: Error) =>
      this.logger.warn(`${this.file} is not watched, changes need a SIGHUP: ${fault.message}`);
    try {
      // The hook runs once for each token that this instance is provided under.
      this.watching ??= watchFile(this.file, () => void this.reload(), notWatched);
    } catch (fault) {
      notWatched(fault instanceof Error ? fault : new Error(String(fault)));
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.watching?.close();
    await this.reloading;
  }

  private async readAgain(): Promise<Reload> {
    try {
      return this.apply(await readConfigurationFile(this.file, this.variables));
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault);
      this.logger.error(`The configuration stays as it was. ${reason}`);
      return 'refused';
    }
  }

  private apply(read: Configuration): Reload {
    const before = this.current;
    const now: RegistrySnapshot = {
      version: before.version + 1,
      servers: keepUnchanged(read.servers, before.servers),
      virtualServers: keepUnchanged(read.virtualServers, before.virtualServers),
      defaultEndpoint: isDeepStrictEqual(read.defaultEndpoint, before.defaultEndpoint)
        ? before.defaultEndpoint
        : read.defaultEndpoint,
    };
    if (isDeepStrictEqual({ ...now, version: before.version }, before)) return 'unchanged';
    this.current = now;
    this.logger.log(`${this.file} was taken over. Servers: ${now.servers.length}, version: ${now.version}.`);
    for (const listener of this.listeners) this.tell(listener, now, before);
    return 'applied';
  }

  private tell(listener: Listener, now: RegistrySnapshot, before: RegistrySnapshot): void {
    try {
      listener(now, before);
    } catch (fault) {
      this.logger.error('A listener failed on a change of the configuration.', fault);
    }
  }
}

/** What did not change stays the same object, so that whoever holds connections for it can tell at a glance. */
function keepUnchanged<T extends { readonly slug: string }>(read: readonly T[], before: readonly T[]): readonly T[] {
  const old = new Map(before.map((entry) => [entry.slug, entry]));
  return read.map((entry) => {
    const same = old.get(entry.slug);
    return same !== undefined && isDeepStrictEqual(same, entry) ? same : entry;
  });
}
