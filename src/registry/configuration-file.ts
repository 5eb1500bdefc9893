import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Variables } from '#lib/config';
import type { Clock } from '#lib/time';
import { DatabaseUnavailable } from '../database/index.js';
import { watchFile } from './file-watch.js';
import { readConfigurationFile } from './read-configuration-file.js';
import { toDeclaredEntries } from './stored/entry.js';
import type { DatabaseServerRegistry } from './stored/database-server-registry.js';
import type { Declarations } from './stored/declarations.js';

/**
 * The result of a reload. `refused`: the file is invalid or the database is unavailable; the log says which, and the
 * previous configuration stays in force.
 */
export type ReloadResult = 'applied' | 'unchanged' | 'refused';

/** Delay until a file that could not be stored is read and stored again. */
const RETRY_DELAY_MS = 1_000;

/** The YAML or JSON file that declares managed entries. Watches the file and applies its changes. */
export class ConfigurationFile implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Registry');
  private reloading: Promise<unknown> = Promise.resolve();
  private watcher: { close(): void } | undefined;
  private cancelRetry: (() => void) | undefined;
  private isClosed = false;
  /** True while the last reload has failed because the database was unavailable. */
  private isAwaitingDatabase = false;

  constructor(
    /** Absolute path. */
    readonly file: string,
    private readonly variables: Variables,
    private readonly declarations: Declarations,
    private readonly registry: DatabaseServerRegistry,
    private readonly clock: Clock,
  ) {}

  /**
   * Reads the file for the first time, then loads the registry.
   * @throws RegistryFault with every fault of the file
   */
  async open(): Promise<void> {
    await this.declare();
    await this.registry.open();
  }

  /** Reads the file again. Reloads run in sequence. Never rejects. */
  reload(): Promise<ReloadResult> {
    const reload = this.reloading.then(() => this.reloadNow());
    this.reloading = reload;
    return reload;
  }

  onApplicationBootstrap(): void {
    const onFailure = (fault: Error) =>
      this.logger.warn(`Cannot watch ${this.file}. Send SIGHUP to apply changes. ${fault.message}`);
    try {
      this.watcher = watchFile(this.file, () => void this.reload(), onFailure, this.clock);
    } catch (fault) {
      onFailure(fault instanceof Error ? fault : new Error(String(fault)));
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    this.watcher?.close();
    this.cancelRetry?.();
    await this.reloading;
  }

  private async reloadNow(): Promise<ReloadResult> {
    this.cancelRetry?.();
    try {
      const before = this.registry.snapshot;
      await this.declare();
      this.isAwaitingDatabase = false;
      await this.registry.refresh();
      if (this.registry.snapshot === before) return 'unchanged';
      this.logger.log(`Applied ${this.file}.`);
      return 'applied';
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault);
      const isOutage = fault instanceof DatabaseUnavailable;
      if (!isOutage || !this.isAwaitingDatabase) this.logger.error(`Keeping the previous configuration. ${reason}`);
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
    this.cancelRetry = this.clock.after(RETRY_DELAY_MS, () => void this.reload());
  }
}
