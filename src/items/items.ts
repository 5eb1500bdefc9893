import { Injectable, Logger, Optional, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { JsonValue, ResourceUri } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { Database, CoalescedRefresh } from '../database/index.js';
import { GatewayEvents } from '../events/index.js';
import { identityOf, ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { toDefinition, isStorableName, type Definition } from './definition.js';
import { findSuspicions } from './definition-scan.js';
import type { DefinedItem, ItemOverrides, ItemKey, ItemKind, ItemStatus, KnownItem } from './item-record.js';
import { DefinitionCache, type FoundDefinition } from './definition-cache.js';
import { GuardedPages } from './guarded-pages.js';
import { hasOverrides, indexByShownName, toOverridesText, type ItemsOfList } from './item-overrides.js';
import { ItemBudget } from './item-budget.js';
import { ItemTable, type StoredItemKey } from './item-table.js';
import { ObservationQueue, type ListedItems } from './observation-queue.js';
import { emitToolChange } from './tool-events.js';
import { UnwrittenObservations } from './unwritten-observations.js';
import { SeenPageCache, toFingerprint } from './seen-page-cache.js';
import { planRestoration, type RestoredCounts, type RestoredItem } from './restoration.js';
import { isQuarantining, isVisible, statusOf, toVisibleItem } from './visible-item.js';
import { isDisabledByTemplate, isDisabledItem } from './resource-switches.js';

const POLL_INTERVAL_MS = 500;
/** Observations are collected for this time and written together. */
const WRITE_DELAY_MS = 200;
/** Items are written in batches of this size. */
const BATCH_SIZE = 100;
/** Workers that observe the same definition within this time report it once. */
const QUARANTINE_QUIET_MS = 3_600_000;
/** Equals the maximum length of a list: a server that lists new names each time cannot fill the memory. */
const MAX_ITEMS_PER_LIST = 50_000;

const NO_ITEMS: ItemsOfList = new Map();

/** Receives the slug of the server and the kind of items whose visibility or overrides changed. */
export type ItemListener = (server: string, kind: ItemKind) => void;

/**
 * Holds the approved and current definitions and the overrides of all items. Every worker has them in memory and compares them
 * with the database twice a second (invariant 9).
 */
@Injectable()
export class Items implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Items');
  private readonly table: ItemTable;
  private known: ReadonlyMap<string, ItemsOfList> = new Map();
  private revision: number | undefined;
  private readonly latestRefresh = new CoalescedRefresh(() => this.refreshFromDatabase());
  private stopPolling: (() => void) | undefined;
  private cancelWrite: (() => void) | undefined;
  /** Pages that are not processed yet. */
  private readonly unprocessed = new ObservationQueue((batch) => this.recordObservations(batch));
  private readonly unwritten = new UnwrittenObservations();
  private writing: Promise<void> = Promise.resolve();
  private readonly listeners = new Set<ItemListener>();
  private readonly seenPages = new SeenPageCache();
  private readonly budget = new ItemBudget();
  private readonly definitions = new DefinitionCache();
  /** A higher module binds the guard that decides how definitions are shown. */
  readonly guarded = new GuardedPages();
  private isDatabaseUnavailable = false;
  private isStopped = false;

  constructor(
    database: Database,
    private readonly registry: ServerRegistry,
    private readonly clock: Clock,
    @Optional() private readonly events?: GatewayEvents,
  ) {
    this.table = new ItemTable(database);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.latestRefresh.refresh();
    this.stopPolling = this.clock.every(POLL_INTERVAL_MS, () => void this.latestRefresh.refresh());
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.unprocessed.clear();
    this.stopPolling?.();
    await this.latestRefresh.whenIdle();
    await this.flush();
  }

  /** Notifies the listener when an admin changed which items are shown, or how. Returns a function that stops it. */
  onChange(listener: ItemListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Records the definitions of a page: at once for a quarantining server, later in batches for others. Must not be called with a
   * cached page, which could undo newer observations (invariant 2).
   */
  observe(server: ServerDefinition, kind: ItemKind, items: readonly JsonValue[]): void {
    if (isQuarantining(server, kind)) return this.recordObservations({ server, kind, items });
    this.unprocessed.add({ server, kind, items });
  }

  /** Notifies the listeners that the guard decides otherwise from now on. */
  publishGuardChange(kind: ItemKind): void {
    for (const { slug } of this.registry.snapshot.servers) for (const listener of this.listeners) listener(slug, kind);
  }

  /** Lets the guard decide about a page before it is shown. Undefined: there is nothing to decide. */
  prepare(server: ServerDefinition, kind: ItemKind, page: readonly JsonValue[]): Promise<unknown> | undefined {
    return this.guarded.prepare(server, kind, this.itemsOf(server, kind), page);
  }

  /** Returns the visible items of a page with their overrides. Returns the same array when nothing differs. */
  toVisibleItems(server: ServerDefinition, kind: ItemKind, page: readonly JsonValue[]): readonly JsonValue[] {
    const items = this.itemsOf(server, kind);
    const shown = this.guarded.toShown(server, kind, items, page);
    if (!isQuarantining(server, kind) && !hasOverrides(items)) return shown;
    return shown.map((item) => toVisibleItem(server, items, item, kind)).filter((item) => item !== undefined);
  }

  /** Returns the own name of a tool or prompt by its shown name, or undefined when the item is unavailable. */
  resolveOwnName(server: ServerDefinition, kind: 'tools' | 'prompts', name: string): string | undefined {
    const items = this.itemsOf(server, kind);
    if (!hasOverrides(items)) return name;
    const renamed = indexByShownName(items).get(name);
    const item = renamed ?? items.get(name);
    // An item that was never observed has no overrides.
    if (!item) return name;
    const isRenamed = !renamed && item.shownName !== undefined;
    return item.isDisabled || isRenamed ? undefined : item.name;
  }

  /** Returns the name under which clients see a tool or prompt. Undefined: they see its own name. */
  shownNameOf(server: ServerDefinition, kind: 'tools' | 'prompts', own: string): string | undefined {
    return this.itemsOf(server, kind).get(own)?.shownName;
  }

  /**
   * Returns the definition of a tool or prompt as its server listed it last, without the members that are not pinned. Undefined:
   * no list has contained it yet, it is too long to be stored, or it cannot be read now.
   */
  definitionOf(server: ServerDefinition, kind: 'tools' | 'prompts', own: string): FoundDefinition {
    const item = this.itemsOf(server, kind).get(own);
    if (!item) return undefined;
    const key = { identity: item.identity, kind, name: own };
    const observed = () => this.unwritten.find(key)?.seen;
    return this.definitions.read(item.seenDigest, observed, () => this.table.find(key));
  }

  /** Decides whether a resource, or a URI template, is available under any spelling of its URI. */
  isResourceEnabled(server: ServerDefinition, uri: ResourceUri, isTemplate: boolean): boolean {
    const templates = this.itemsOf(server, 'resourceTemplates');
    const resources = this.itemsOf(server, 'resources');
    if (isTemplate && hasOverrides(templates) && isDisabledItem(templates, uri)) return false;
    if (hasOverrides(resources) && isDisabledItem(resources, uri)) return false;
    return isTemplate || !hasOverrides(templates) || !isDisabledByTemplate(resources, templates, uri);
  }

  /** Decides whether a tool may run, by its own name. Requires that the server's list was observed before. */
  checkTool(server: ServerDefinition, own: string): 'allowed' | 'unlisted' | 'quarantined' {
    if (!isQuarantining(server, 'tools')) return 'allowed';
    const tool = this.itemsOf(server, 'tools').get(own);
    // A tool that was never listed has no approved definition.
    if (!tool) return 'unlisted';
    return statusOf(tool, server) === 'quarantined' ? 'quarantined' : 'allowed';
  }

  statusOf(item: KnownItem): ItemStatus {
    const server = this.registry.snapshot.servers.find((each) => identityOf(each) === item.identity);
    return statusOf(item, server);
  }

  /** Returns the items of a kind at configured servers. */
  list(kind: ItemKind): readonly KnownItem[] {
    const identities = new Set(this.registry.snapshot.servers.map(identityOf));
    const all = [...this.known.values()].flatMap((items) => [...items.values()]);
    return all.filter((item) => item.kind === kind && identities.has(item.identity));
  }

  /** Returns the items of a server's list, as it was observed, that clients see. */
  listVisible(server: ServerDefinition, kind: ItemKind): readonly KnownItem[] {
    return [...this.itemsOf(server, kind).values()].filter((item) => isVisible(item, server));
  }

  /** Counts the items of a kind at configured servers whose present definition is not approved. */
  countUnapproved(kind: ItemKind): { readonly quarantined: number; readonly changed: number } {
    const counts = { approved: 0, quarantined: 0, changed: 0 };
    for (const server of this.registry.snapshot.servers)
      for (const item of this.itemsOf(server, kind).values()) counts[statusOf(item, server)] += 1;
    return counts;
  }

  /** @throws DatabaseUnavailable */
  async find(key: ItemKey): Promise<DefinedItem | undefined> {
    await this.flush();
    return isStorableName(key.name) ? this.table.find(this.toStoredKey(key)) : undefined;
  }

  /** Returns false when another definition was observed meanwhile. @throws DatabaseUnavailable */
  async approve(key: ItemKey, digest: string): Promise<boolean> {
    const isApproved = await this.table.approve(this.toStoredKey(key), digest);
    await this.latestRefresh.refresh();
    return isApproved;
  }

  /**
   * Sets the overrides that `decide` returns for the stored item, which nothing else changes meanwhile. Undefined: there is no such
   * item.
   * @throws DatabaseUnavailable, ShownNameTaken, and what `decide` throws
   */
  async setOverrides(key: ItemKey, decide: (stored: KnownItem) => ItemOverrides): Promise<DefinedItem | undefined> {
    const changed = await this.table.setOverrides(this.toStoredKey(key), decide);
    await this.latestRefresh.refresh();
    return changed;
  }

  /**
   * Deletes the items of a server that an admin has deleted. What this worker or another one still observes of it is stored again,
   * but no later server has its identity. @throws DatabaseUnavailable
   */
  async forget(server: ServerDefinition): Promise<void> {
    await this.flush();
    await this.table.delete(identityOf(server));
    await this.latestRefresh.refresh();
  }

  private toStoredKey({ server, kind, name }: ItemKey): StoredItemKey {
    const definition = this.registry.snapshot.servers.find(({ slug }) => slug === server);
    return { identity: definition ? identityOf(definition) : server, kind, name };
  }

  /** Returns the items of configured servers with their definitions. @throws DatabaseUnavailable */
  async readDefinitions(): Promise<readonly DefinedItem[]> {
    await this.flush();
    const identities = new Set(this.registry.snapshot.servers.map(identityOf));
    return (await this.table.readDefinitions()).filter(({ identity }) => identities.has(identity));
  }

  /**
   * Restores approvals and overrides from an export. `replace` removes the overrides of all other items; `dryRun` only counts the
   * changes. @throws DatabaseUnavailable
   */
  async restore(
    items: readonly RestoredItem[],
    { replace, dryRun }: { readonly replace: boolean; readonly dryRun: boolean },
  ): Promise<RestoredCounts> {
    await this.flush();
    // Items of a server whose slug another server has by now belong to nobody.
    const stored = (await this.table.readDefinitions()).filter(
      (item) => this.toStoredKey(item).identity === item.identity,
    );
    const { changed, counts } = planRestoration(stored, items, replace);
    const rows = changed.map((item) => ({ ...item, ...this.toStoredKey(item) }));
    if (!dryRun && rows.length > 0) await this.table.restore(rows);
    await this.latestRefresh.refresh();
    return counts;
  }

  private itemsOf(server: ServerDefinition, kind: ItemKind): ItemsOfList {
    return this.known.get(toListKey(identityOf(server), kind)) ?? NO_ITEMS;
  }

  private recordObservations({ server, kind, items }: ListedItems): void {
    const list = toListKey(identityOf(server), kind);
    const fingerprint = toFingerprint(items);
    if (this.seenPages.has(list, fingerprint)) return;
    const known = this.known.get(list);
    const fresh: KnownItem[] = [];
    let left = 0;
    for (const item of items) {
      const definition = toDefinition(kind, item);
      if (!definition) continue;
      const before = known?.get(definition.name);
      if (!before && !this.hasRoom(server, definition.name, (known?.size ?? 0) + fresh.length)) {
        left += 1;
        continue;
      }
      if (before?.seenDigest !== definition.digest)
        fresh.push(this.recordObservation(server, kind, definition, before));
    }
    if (left > 0) this.logger.warn(`Server ${server.slug} lists too many ${kind}: ${left} of them are not pinned.`);
    if (fresh.length === 0) return this.seenPages.add(list, fingerprint);
    this.seenPages.evict(list);
    if (kind === 'tools')
      emitToolChange(this.events, { server, before: known, fresh, occurrence: `${list} ${fingerprint}` });
    const merged = new Map([...(known ?? []), ...fresh.map((item) => [item.name, item] as const)]);
    this.known = new Map([...this.known, [list, merged]]);
    this.writeAfter(WRITE_DELAY_MS);
  }

  private hasRoom(server: ServerDefinition, name: string, listed: number): boolean {
    const { servers } = this.registry.snapshot;
    return listed < MAX_ITEMS_PER_LIST && this.budget.admit({ identity: identityOf(server), name }, servers.length);
  }

  private writeAfter(delayMs: number): void {
    if (!this.isStopped) this.cancelWrite ??= this.clock.after(delayMs, () => void this.flush());
  }

  private recordObservation(
    definedBy: ServerDefinition,
    kind: ItemKind,
    seen: Definition,
    before: KnownItem | undefined,
  ): KnownItem {
    const { slug: server, identity = server } = definedBy;
    const { name, definition, digest } = seen;
    const flags = findSuspicions(definition);
    this.unwritten.add({ identity, kind, name, seen, flags });
    const now = new Date(this.clock.now());
    if (before) {
      this.logger.warn(`Server ${server} changed the definition of ${JSON.stringify(name.slice(0, 100))} (${kind}).`);
      if (isQuarantining(definedBy, kind) && digest !== before.approvedDigest)
        this.events?.emit('tool.quarantined', {
          occurrence: JSON.stringify([identity, name, digest]),
          quietMs: QUARANTINE_QUIET_MS,
          data: { server, tool: name },
        });
      return { ...before, seenDigest: digest, flags, changedAt: now };
    }
    const digests = { approvedDigest: digest, seenDigest: digest };
    return { server, identity, kind, name, ...digests, flags, isDisabled: false, firstSeenAt: now, changedAt: now };
  }

  /** Writes pending observations. Overlapping writes could write one twice, over a newer one of another worker. */
  private flush(): Promise<void> {
    this.writing = this.writing.then(() => this.writePending());
    return this.writing;
  }

  /** Never rejects: schedules a retry when the database is unavailable, until this worker stops. */
  private async writePending(): Promise<void> {
    this.cancelWrite?.();
    this.cancelWrite = undefined;
    const pending = this.unwritten.listPending();
    try {
      for (let from = 0; from < pending.length; from += BATCH_SIZE) {
        const some = pending.slice(from, from + BATCH_SIZE);
        await this.table.recordObservations(some, new Date(this.clock.now()));
        this.unwritten.markWritten(some);
      }
    } catch (cause) {
      this.logger.warn(`Failed to persist item definitions: ${String(cause)}`);
      this.writeAfter(POLL_INTERVAL_MS);
    }
  }

  private async refreshFromDatabase(): Promise<void> {
    const written = this.unwritten.listWritten();
    try {
      const revision = await this.table.revision();
      // The last read may have preferred a committed observation to a newer one of another worker (invariant 11).
      if (revision !== this.revision || written.length > 0) {
        const stored = await this.table.readAll();
        this.unwritten.markReadBack(written);
        this.applyStored(stored);
      }
      this.revision = revision;
      this.isDatabaseUnavailable = false;
    } catch (cause) {
      if (!this.isDatabaseUnavailable)
        this.logger.error(`Failed to read item definitions; keeping the previous ones. ${String(cause)}`);
      this.isDatabaseUnavailable = true;
    }
  }

  /** Replaces the items in memory by the stored ones, with observations of this worker that these may not contain. */
  private applyStored(stored: readonly KnownItem[]): void {
    const lists = new Map<string, Map<string, KnownItem>>();
    const put = (item: KnownItem) => {
      const list = toListKey(item.identity, item.kind);
      const items = lists.get(list) ?? new Map<string, KnownItem>();
      lists.set(list, items.set(item.name, item));
    };
    for (const item of stored) put(item);
    for (const { identity, kind, name, seen, flags } of [
      ...this.unwritten.listWritten(),
      ...this.unwritten.listPending(),
    ]) {
      const list = toListKey(identity, kind);
      const item = lists.get(list)?.get(name) ?? this.known.get(list)?.get(name);
      if (item) put({ ...item, seenDigest: seen.digest, flags });
    }
    const before = this.known;
    this.known = lists;
    this.budget.recount(lists.values());
    this.seenPages.clear();
    if (this.revision !== undefined) this.notifyListeners(before);
  }

  private notifyListeners(before: ReadonlyMap<string, ItemsOfList>): void {
    for (const [list, items] of this.known) {
      const [first] = items.values();
      if (!first || toOverridesText(items) === toOverridesText(before.get(list))) continue;
      for (const notify of this.listeners) notify(first.server, first.kind);
    }
  }
}

const toListKey = (identity: string, kind: ItemKind): string => `${identity} ${kind}`;
