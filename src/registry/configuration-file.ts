import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Variables } from '#lib/config';
import { DatabaseUnavailable } from '../database/index.js';
import { watchFile } from './file-watch.js';
import { readConfigurationFile } from './read-configuration-file.js';
import { toDeclaredEntries } from './stored/entry.js';
import type { DatabaseServerRegistry } from './stored/database-server-registry.js';
import type { Declarations } from './stored/declarations.js';

/**
 * What became of a reload. `refused`: the file is at fault, or the database cannot be asked; the log says which, and the
 * old state stays.
 */
export type ReloadResult = 'applied' | 'unchanged' | 'refused';

/** How soon a file that the database could not take is offered to it again. */
const RETRY_MS = 1_000;

/** The YAML or JSON file that declares what is configured. Follows its changes. */
export class ConfigurationFile implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Registry');
  private reloading: Promise<unknown> = Promise.resolve();
  private watcher: { close(): void } | undefined;
  private retryTimer: NodeJS.Timeout | undefined;
  private isClosed = false;
  /** The database could not take the file yet. */
  private isAwaitingDatabase = false;

  constructor(
    /** Absolute. */
    readonly file: string,
    private readonly variables: Variables,
    private readonly declarations: Declarations,
    private readonly registry: DatabaseServerRegistry,
  ) {}

  /**
   * Reads the file for the first time, and the registry after it.
   * @throws RegistryFault that names everything that is wrong with the file
   */
  async open(): Promise<void> {
    await this.declare();
    await this.registry.open();
  }

  /** Reads the file again. Reloads run one after the other; it never rejects. */
  reload(): Promise<ReloadResult> {
    const reload = this.reloading.then(() => this.reloadNow());
    this.reloading = reload;
    return reload;
  }

  onApplicationBootstrap(): void {
    const notWatched = (fault: Error) =>
      this.logger.warn(`${this.file} is not watched, changes need a SIGHUP: ${fault.message}`);
    try {
      this.watcher = watchFile(this.file, () => void this.reload(), notWatched);
    } catch (fault) {
      notWatched(fault instanceof Error ? fault : new Error(String(fault)));
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    this.watcher?.close();
    clearTimeout(this.retryTimer);
    await this.reloading;
  }

  private async reloadNow(): Promise<ReloadResult> {
    clearTimeout(this.retryTimer);
    try {
      const before = this.registry.snapshot;
      await this.declare();
      this.isAwaitingDatabase = false;
      await this.registry.refresh();
      if (this.registry.snapshot === before) return 'unchanged';
      this.logger.log(`${this.file} was taken over.`);
      return 'applied';
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault);
      const isOutage = fault instanceof DatabaseUnavailable;
      if (!isOutage || !this.isAwaitingDatabase) this.logger.error(`The configuration stays as it was. ${reason}`);
      this.isAwaitingDatabase = isOutage;
      if (isOutage) this.scheduleRetry();
      return 'refused';
    }
  }

  private async declare(): Promise<void> {
    await this.declarations.declare(toDeclaredEntries(await readConfigurationFile(this.file, this.variables)));
  }

  private scheduleRetry(): void {
    if (this.isClosed) return;
    this.retryTimer = setTimeout(() => void this.reload(), RETRY_MS).unref();
  }
}
