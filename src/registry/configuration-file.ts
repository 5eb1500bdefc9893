import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Variables } from '#lib/config';
import { DatabaseUnavailable } from '../database/index.js';
import { watchFile } from './file-watch.js';
import { readConfigurationFile } from './read-configuration-file.js';
import { entriesIn } from './stored/entry.js';
import type { DatabaseServerRegistry } from './stored/database-server-registry.js';
import type { Declarations } from './stored/declarations.js';

/**
 * What became of a reload. `refused`: the file is at fault, or the database cannot be asked; the log says which, and the
 * old state stays.
 */
export type Reload = 'applied' | 'unchanged' | 'refused';

/** How soon a file that the database could not take is offered to it again. */
const RETRY_MS = 1_000;

/** The YAML or JSON file that declares what is configured. Follows its changes. */
export class ConfigurationFile implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Registry');
  private reloading: Promise<unknown> = Promise.resolve();
  private watching: { close(): void } | undefined;
  private retry: NodeJS.Timeout | undefined;
  private isClosed = false;
  /** The database could not take the file yet. */
  private isWaiting = false;

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
  reload(): Promise<Reload> {
    const reload = this.reloading.then(() => this.readAgain());
    this.reloading = reload;
    return reload;
  }

  onApplicationBootstrap(): void {
    const notWatched = (fault: Error) =>
      this.logger.warn(`${this.file} is not watched, changes need a SIGHUP: ${fault.message}`);
    try {
      this.watching = watchFile(this.file, () => void this.reload(), notWatched);
    } catch (fault) {
      notWatched(fault instanceof Error ? fault : new Error(String(fault)));
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    this.watching?.close();
    clearTimeout(this.retry);
    await this.reloading;
  }

  private async readAgain(): Promise<Reload> {
    clearTimeout(this.retry);
    try {
      const before = this.registry.snapshot;
      await this.declare();
      this.isWaiting = false;
      await this.registry.refresh();
      if (this.registry.snapshot === before) return 'unchanged';
      this.logger.log(`${this.file} was taken over.`);
      return 'applied';
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault);
      const isOutage = fault instanceof DatabaseUnavailable;
      if (!isOutage || !this.isWaiting) this.logger.error(`The configuration stays as it was. ${reason}`);
      this.isWaiting = isOutage;
      if (isOutage) this.tryLater();
      return 'refused';
    }
  }

  private async declare(): Promise<void> {
    await this.declarations.declare(entriesIn(await readConfigurationFile(this.file, this.variables)));
  }

  private tryLater(): void {
    if (this.isClosed) return;
    this.retry = setTimeout(() => void this.reload(), RETRY_MS).unref();
  }
}
