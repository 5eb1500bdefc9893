import { isDeepStrictEqual } from 'node:util';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { PolicyDefinition } from '../policy-definition.js';
import { RegistryFault } from '../registry.errors.js';
import { ServerRegistry, type RegistrySnapshot } from '../server-registry.js';
import type { Declarations } from './declarations.js';
import type { StoredEntry } from './entry.js';
import type { EntryResolver, ResolvedRegistry } from './entry-resolver.js';
import type { EntryTable, RegistryState } from './entry-table.js';

const UNREADABLE = 'This policy cannot be read here; until it can, nothing may be used.';

type Listener = (now: RegistrySnapshot, before: RegistrySnapshot) => void;

/** Nothing is configured yet. */
const NOTHING: RegistrySnapshot = {
  version: 0,
  servers: [],
  virtualServers: [],
  teams: [],
  policies: [],
  limits: [],
  defaultEndpoint: { public: false },
};

/** What lies in the database, kept in memory. Asks again and again whether anything changed there. */
export class DatabaseServerRegistry extends ServerRegistry implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Registry');
  private readonly listeners = new Set<Listener>();
  private current = NOTHING;
  /** The revision that `current` shows. */
  private revision: number | undefined;
  private refreshing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;
  /** Sentences that were logged and still hold. */
  private loggedFaults = { outage: '', drift: '', entries: '' };

  constructor(
    private readonly table: EntryTable,
    private readonly declarations: Declarations,
    private readonly resolver: EntryResolver,
    /** How long a change elsewhere may go unnoticed, in milliseconds. */
    private readonly pollMs: number,
  ) {
    super();
  }

  get snapshot(): RegistrySnapshot {
    return this.current;
  }

  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Reads the database for the first time.
   * @throws DatabaseUnavailable
   */
  async open(): Promise<void> {
    await this.load(await this.table.readState());
  }

  /** Takes over what has changed in the database until now. Never rejects: what cannot be asked stays as it was. */
  refresh(): Promise<void> {
    this.refreshing = this.refreshing.then(() => this.refreshNow());
    return this.refreshing;
  }

  onApplicationBootstrap(): void {
    this.timer ??= setTimeout(() => void this.poll(), this.pollMs).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.refreshing;
  }

  private async poll(): Promise<void> {
    await this.refresh();
    if (!this.isClosed) this.timer = setTimeout(() => void this.poll(), this.pollMs).unref();
  }

  private async refreshNow(): Promise<void> {
    try {
      const state = await this.table.readState();
      if (state.revision !== this.revision) await this.load(state);
      this.declarations.warnIfOverridden(state);
      if (this.loggedFaults.outage !== '') this.logger.log('The database answers again.');
      this.loggedFaults.outage = '';
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault);
      if (this.loggedFaults.outage === '') this.logger.error(`What is configured stays as it was. ${reason}`);
      this.loggedFaults.outage = reason;
    }
  }

  private async load(state: RegistryState): Promise<void> {
    let [seen, entries] = [state, await this.table.readEntries()];
    if (await this.repairManualChanges(state, entries)) {
      // What was read in between is nobody's configuration.
      [seen, entries] = [await this.table.readState(), await this.table.readEntries()];
    }
    const reading = this.resolver.resolve(entries);
    // It was read before the entries: what changed in between is looked at once more, not missed.
    this.revision = seen.revision;
    const faults = reading.faults.map(({ path, message }) => `\n  ${path}: ${message}`).join('');
    this.logOnce('entries', faults && `Not all that is configured can be used:${faults}`);
    this.replaceSnapshot(reading);
  }

  /** True when they were, and have been put right by now. */
  private async repairManualChanges(state: RegistryState, entries: readonly StoredEntry[]): Promise<boolean> {
    try {
      const slugs = await this.declarations.repair(state, entries);
      this.loggedFaults.drift = '';
      if (slugs === undefined) return false;
      if (slugs.length > 0) {
        const names = slugs.join(', ');
        this.logger.warn(`Somebody changed in the database what the configuration file declares; put right: ${names}.`);
      }
      return true;
    } catch (fault) {
      if (!(fault instanceof RegistryFault)) throw fault;
      this.logOnce('drift', `What the configuration file declares cannot be put right. ${fault.message}`);
      return false;
    }
  }

  /** Says it once, as long as it does not change. */
  private logOnce(about: 'drift' | 'entries', sentence: string): void {
    if (sentence !== '' && sentence !== this.loggedFaults[about]) this.logger.error(sentence);
    this.loggedFaults[about] = sentence;
  }

  private replaceSnapshot(reading: ResolvedRegistry): void {
    const before = this.current;
    const now: RegistrySnapshot = {
      version: before.version + 1,
      servers: keepUnchanged(definitionsOf(reading.servers), before.servers),
      virtualServers: keepUnchanged(definitionsOf(reading.virtualServers), before.virtualServers),
      teams: keepUnchanged(definitionsOf(reading.teams), before.teams),
      policies: keepUnchanged(policiesOf(reading), before.policies),
      limits: keepUnchanged(definitionsOf(reading.limits), before.limits),
      defaultEndpoint: isDeepStrictEqual(reading.defaultEndpoint, before.defaultEndpoint)
        ? before.defaultEndpoint
        : reading.defaultEndpoint,
    };
    if (before.version > 0 && isSame(now, before)) return;
    this.current = now;
    if (before.version === 0) return;
    this.logger.log(`The configuration has changed. Servers: ${now.servers.length}, version: ${now.version}.`);
    for (const listener of this.listeners) this.notify(listener, now, before);
  }

  private notify(listener: Listener, now: RegistrySnapshot, before: RegistrySnapshot): void {
    try {
      listener(now, before);
    } catch (fault) {
      this.logger.error('A listener failed on a change of the configuration.', fault);
    }
  }
}

const definitionsOf = <T>(readings: readonly { readonly definition: T | undefined }[]): readonly T[] =>
  readings.flatMap(({ definition }) => definition ?? []);

/** A rule that nobody can read may have forbidden anything: in its place stands one that forbids all. */
const policiesOf = ({ policies }: ResolvedRegistry): readonly PolicyDefinition[] =>
  policies.map(({ entry: { slug }, definition }) => definition ?? { slug, effect: 'deny', description: UNREADABLE });

/** What did not change stays the same object, so that whoever holds connections for it can tell at a glance. */
function keepUnchanged<T extends { readonly slug: string }>(read: readonly T[], before: readonly T[]): readonly T[] {
  const old = new Map(before.map((entry) => [entry.slug, entry]));
  const now = read.map((entry) => {
    const same = old.get(entry.slug);
    return same !== undefined && isDeepStrictEqual(same, entry) ? same : entry;
  });
  return now.length === before.length && now.every((entry, index) => entry === before[index]) ? before : now;
}

/** After `keepUnchanged` nothing but identity has to be compared. */
function isSame(now: RegistrySnapshot, before: RegistrySnapshot): boolean {
  const { version: _version, ...parts } = now;
  return Object.entries(parts).every(([name, part]) => part === before[name as keyof typeof parts]);
}
