import { isDeepStrictEqual } from 'node:util';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '#lib/time';
import type { GuardrailDefinition } from '../guardrail-definition.js';
import type { PolicyDefinition } from '../policy-definition.js';
import { RegistryFault } from '../registry.errors.js';
import { toUnusableGuardrail } from '../read-guardrail.js';
import { ServerRegistry, type RegistrySnapshot } from '../server-registry.js';
import type { Declarations } from './declarations.js';
import type { StoredEntry } from './entry.js';
import type { EntryResolver, ResolvedRegistry } from './entry-resolver.js';
import type { RegistryState } from './entry-rows.js';
import type { EntryTable } from './entry-table.js';

const UNREADABLE_POLICY = 'This policy cannot be read at this worker. Until it can be read, all access is denied.';

/** Milliseconds after which the secret store is asked again about entries that it did not open. */
const REOPEN_DELAY_MS = 5_000;

type Listener = (now: RegistrySnapshot, before: RegistrySnapshot) => void;

/** The snapshot before the first load. */
const EMPTY: RegistrySnapshot = {
  version: 0,
  servers: [],
  virtualServers: [],
  teams: [],
  policies: [],
  limits: [],
  guardrails: [],
  defaultEndpoint: { public: false },
};

/** Serves the stored configuration from memory and polls the database for changes. */
export class DatabaseServerRegistry extends ServerRegistry implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Registry');
  private readonly listeners = new Set<Listener>();
  private revisionListener: (() => void) | undefined;
  private current = EMPTY;
  /** The revision of the database that `current` reflects. */
  private revision: number | undefined;
  /** Monotonic time at which the secret store was asked last, if `current` lacks what it did not open. */
  private outageAt: number | undefined;
  /** How often the secret store has opened what it had not opened before, and how often when `current` was read. */
  private recoveries = 0;
  private loadedRecoveries = 0;
  private refreshing: Promise<void> = Promise.resolve();
  private cancelPoll: (() => void) | undefined;
  private isClosed = false;
  /** Messages that were logged and still apply. */
  private loggedFaults = { outage: '', drift: '', entries: '' };

  constructor(
    private readonly table: EntryTable,
    private readonly declarations: Declarations,
    private readonly resolver: EntryResolver,
    /** Polling interval in milliseconds. */
    private readonly pollMs: number,
    private readonly clock: Clock,
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

  /** Calls the listener after each change of the database, also one that leaves the snapshot unchanged. */
  onRevision(listener: () => void): void {
    this.revisionListener = listener;
  }

  /**
   * Reads the database for the first time.
   * @throws DatabaseUnavailable
   */
  async open(): Promise<void> {
    await this.load(await this.table.readState());
  }

  /** Loads changes committed before the call. Never rejects: while the database is unavailable, the last snapshot stays. */
  refresh(): Promise<void> {
    this.refreshing = this.refreshing.then(() => this.refreshNow());
    return this.refreshing;
  }

  onApplicationBootstrap(): void {
    this.cancelPoll ??= this.clock.after(this.pollMs, () => void this.poll());
  }

  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    this.cancelPoll?.();
    await this.refreshing;
  }

  private async poll(): Promise<void> {
    await this.refresh();
    if (!this.isClosed) this.cancelPoll = this.clock.after(this.pollMs, () => void this.poll());
  }

  private async refreshNow(): Promise<void> {
    try {
      const state = await this.table.readState();
      if (state.revision !== this.revision || this.recoveries !== this.loadedRecoveries) await this.load(state);
      this.reopenIfDue();
      this.declarations.warnIfOverridden(state);
      if (this.loggedFaults.outage !== '') this.logger.log('The database is available again.');
      this.loggedFaults.outage = '';
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault);
      if (this.loggedFaults.outage === '') this.logger.error(`Keeping the previous configuration. ${reason}`);
      this.loggedFaults.outage = reason;
    }
  }

  /** Changes are loaded meanwhile: a store that does not answer must not delay them. */
  private reopenIfDue(): void {
    if (this.outageAt === undefined || this.clock.monotonicNow() - this.outageAt < REOPEN_DELAY_MS) return;
    this.outageAt = undefined;
    void this.reopen();
  }

  private async reopen(): Promise<void> {
    try {
      const { ended, lasting } = await this.table.reopen();
      if (lasting > 0) this.outageAt = this.clock.monotonicNow();
      if (ended === 0 || this.isClosed) return;
      this.recoveries += 1;
      await this.refresh();
    } catch (fault) {
      this.outageAt = this.clock.monotonicNow();
      this.logger.error('Entries that the secret store did not open were not opened again. Retrying later.', fault);
    }
  }

  private async load(state: RegistryState): Promise<void> {
    const { recoveries } = this;
    let [loaded, entries] = [state, await this.table.readEntries()];
    if (await this.repairManualChanges(state, entries)) {
      // The entries read before the repair are not a valid configuration.
      [loaded, entries] = [await this.table.readState(), await this.table.readEntries()];
    }
    const resolved = this.resolver.resolve(entries);
    // The revision was read before the entries, so a change in between causes another load instead of being missed.
    this.revision = loaded.revision;
    // Entries that the store opens while this load runs may still be missing in it.
    this.loadedRecoveries = recoveries;
    const hasOutage = entries.some(({ outage }) => outage !== undefined);
    // Frequent changes must not defer the next attempt.
    this.outageAt = hasOutage ? (this.outageAt ?? this.clock.monotonicNow()) : undefined;
    const faults = resolved.faults.map(({ path, message }) => `\n  ${path}: ${message}`).join('');
    this.logOnce('entries', faults && `Some configured entries cannot be used:${faults}`);
    this.replaceSnapshot(resolved);
    this.revisionListener?.();
  }

  /** Repairs managed entries that were changed manually. Returns true when the entries must be read again. */
  private async repairManualChanges(state: RegistryState, entries: readonly StoredEntry[]): Promise<boolean> {
    try {
      const slugs = await this.declarations.repair(state, entries);
      this.loggedFaults.drift = '';
      if (slugs === undefined) return false;
      if (slugs.length > 0) {
        this.logger.warn(`Repaired managed entries that were changed manually in the database: ${slugs.join(', ')}.`);
      }
      return true;
    } catch (fault) {
      if (!(fault instanceof RegistryFault)) throw fault;
      this.logOnce('drift', `Cannot repair managed entries that were changed manually. ${fault.message}`);
      return false;
    }
  }

  /** Logs a message once until it changes. An empty message clears it. */
  private logOnce(subject: 'drift' | 'entries', message: string): void {
    if (message !== '' && message !== this.loggedFaults[subject]) this.logger.error(message);
    this.loggedFaults[subject] = message;
  }

  private replaceSnapshot(resolved: ResolvedRegistry): void {
    const before = this.current;
    const now: RegistrySnapshot = {
      version: before.version + 1,
      servers: reuseUnchanged(toDefinitions(resolved.servers), before.servers),
      virtualServers: reuseUnchanged(toDefinitions(resolved.virtualServers), before.virtualServers),
      teams: reuseUnchanged(toDefinitions(resolved.teams), before.teams),
      policies: reuseUnchanged(toPolicies(resolved), before.policies),
      limits: reuseUnchanged(toDefinitions(resolved.limits), before.limits),
      guardrails: reuseUnchanged(toGuardrails(resolved), before.guardrails),
      defaultEndpoint: isDeepStrictEqual(resolved.defaultEndpoint, before.defaultEndpoint)
        ? before.defaultEndpoint
        : resolved.defaultEndpoint,
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

const toDefinitions = <T>(entries: readonly { readonly definition: T | undefined }[]): readonly T[] =>
  entries.flatMap(({ definition }) => definition ?? []);

/** Replaces an unreadable policy by one that denies everything, because the original may have denied anything. */
const toPolicies = ({ policies }: ResolvedRegistry): readonly PolicyDefinition[] =>
  policies.map(
    ({ entry: { slug }, definition }) => definition ?? { slug, effect: 'deny', description: UNREADABLE_POLICY },
  );

/** In their order. A guardrail that cannot be used refuses what it selects. */
const toGuardrails = ({ guardrails }: ResolvedRegistry): readonly GuardrailDefinition[] =>
  guardrails
    .map(
      ({ entry: { slug, source, plain }, definition, faults }) =>
        definition ?? toUnusableGuardrail(slug, source ?? plain, faults.map(({ message }) => message).join(' ')),
    )
    .toSorted((one, other) => one.order - other.order || (one.slug < other.slug ? -1 : 1));

/** Reuses unchanged definition objects, so that connection pools can detect changes by identity. */
function reuseUnchanged<T extends { readonly slug: string }>(loaded: readonly T[], before: readonly T[]): readonly T[] {
  const previous = new Map(before.map((entry) => [entry.slug, entry]));
  const now = loaded.map((entry) => {
    const same = previous.get(entry.slug);
    return same !== undefined && isDeepStrictEqual(same, entry) ? same : entry;
  });
  return now.length === before.length && now.every((entry, index) => entry === before[index]) ? before : now;
}

/** Compares by identity, which suffices after `reuseUnchanged`. */
function isSame(now: RegistrySnapshot, before: RegistrySnapshot): boolean {
  const { version: _version, ...parts } = now;
  return Object.entries(parts).every(([name, part]) => part === before[name as keyof typeof parts]);
}
