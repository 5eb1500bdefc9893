import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Variables } from '#lib/config';
import type { Clock } from '#lib/time';
import { DatabaseUnavailable } from '../database/index.js';
import { watchFile } from './file-watch.js';
import { readConfigurationFile } from './read-configuration-file.js';
import { toDeclaredEntries } from './stored/entry.js';
import type { DatabaseServerRegistry } from './stored/database-server-registry.js';
import { DeclarationConflict, SecretStoreUnavailable } from './registry.errors.js';
import type { KnownChecks } from './known-checks.js';
import type { ServerKinds } from './server-kinds.js';
import type { Declarations } from './stored/declarations.js';

/**
 * The result of a reload. `refused`: the file is invalid or the database is unavailable; the log says which, and the
 * previous configuration stays in force.
 */
export type ReloadResult = 'applied' | 'unchanged' | 'refused';

/** What a refusal says, and for a contradiction what ends it. */
const toAdvice = (fault: Error): string =>
  fault instanceof DeclarationConflict
    ? `The configuration file contradicts the database. ${fault.message}\nThe file is applied once it or the database is changed.`
    : fault.message;

/** Delay until a file that could not be stored is read and stored again. */
const RETRY_DELAY_MS = 1_000;

/** True for a failure after which the file is read again. */
const isTemporary = (fault: unknown): boolean =>
  fault instanceof DatabaseUnavailable || fault instanceof SecretStoreUnavailable;

/** The YAML or JSON file that declares managed entries. Watches the file and applies its changes. */
export class ConfigurationFile implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Registry');
  private reloading: Promise<unknown> = Promise.resolve();
  private watcher: { close(): void } | undefined;
  private cancelRetry: (() => void) | undefined;
  private isClosed = false;
  /** True while the last reload has failed because the database was unavailable. */
  private isAwaitingDatabase = false;
  /** Why the file is not in force; undefined while it is. */
  private refusal: Error | undefined;

  constructor(
    /** Absolute path. */
    readonly file: string,
    private readonly variables: Variables,
    private readonly kinds: ServerKinds,
    private readonly declarations: Declarations,
    private readonly registry: DatabaseServerRegistry,
    private readonly clock: Clock,
    private readonly checks: KnownChecks,
  ) {}

  /**
   * Reads the file for the first time, then loads the registry. A file that contradicts the database does not prevent the
   * start, unless no file was ever in force: the database stays in force, and the file is applied once the contradiction is removed on either side.
   * @throws RegistryFault with every fault of the file
   */
  async open(): Promise<void> {
    try {
      await this.declare();
    } catch (fault) {
      // Before the first declaration there is no configuration to start with instead.
      const mayStart = fault instanceof DeclarationConflict || fault instanceof SecretStoreUnavailable;
      if (!mayStart || !(await this.declarations.haveBeenMade())) throw fault;
      this.refusal = fault;
      this.logger.error(`Starting with the configuration in the database. ${toAdvice(fault)}`);
      if (isTemporary(fault)) this.scheduleRetry();
    }
    await this.registry.open();
    this.registry.onRevision(() => {
      if (this.refusal instanceof DeclarationConflict && !this.isClosed) void this.reload();
    });
  }

  /** Why the configuration in force is not that of the file, for operators. Empty while it is. */
  get warnings(): readonly string[] {
    return this.refusal ? [`${this.file} is not in force. ${toAdvice(this.refusal)}`] : [];
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
      this.refusal = undefined;
      await this.registry.refresh();
      if (this.registry.snapshot === before) return 'unchanged';
      this.logger.log(`Applied ${this.file}.`);
      return 'applied';
    } catch (fault) {
      const refusal = fault instanceof Error ? fault : new Error(String(fault));
      const isOutage = isTemporary(fault);
      const isRepeated = isOutage ? this.isAwaitingDatabase : refusal.message === this.refusal?.message;
      if (!isRepeated) this.logger.error(`Keeping the previous configuration. ${toAdvice(refusal)}`);
      this.isAwaitingDatabase = isOutage;
      this.refusal = refusal;
      if (isOutage) this.scheduleRetry();
      return 'refused';
    }
  }

  private async declare(): Promise<void> {
    const { source, unknownReferences } = await readConfigurationFile(
      this.file,
      this.variables,
      this.kinds,
      this.checks,
    );
    await this.declarations.declare(toDeclaredEntries(source), unknownReferences);
  }

  private scheduleRetry(): void {
    if (this.isClosed) return;
    this.cancelRetry = this.clock.after(RETRY_DELAY_MS, () => void this.reload());
  }
}
