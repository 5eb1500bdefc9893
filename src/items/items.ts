import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { Database, LatestLook } from '../database/index.js';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { toDefinition, isStorableName, ID_MEMBERS, type Definition } from './definition.js';
import { findSuspicions } from './definition-scan.js';
import type { DefinedItem, ItemOverrides, ItemKey, ItemKind, ItemStatus, KnownItem } from './item-record.js';
import { ItemTable, type Observation } from './item-table.js';
import { SeenPageCache, toFingerprint } from './seen-page-cache.js';
import { planRestoration, type RestoredCounts, type RestoredItem } from './restoration.js';
import { couldMatchTemplate } from './uri-templates.js';

const POLL_INTERVAL_MS = 500;
/** What is seen is written together, and looked at in pieces, so that nobody waits for it. */
const WRITE_DELAY_MS = 200;
const BATCH_SIZE = 100;
/** As many as a list may have at all: a server that invents others each time is not kept in mind for ever. */
const MAX_ITEMS_PER_LIST = 50_000;

type ItemsOfList = ReadonlyMap<string, KnownItem>;

const NO_ITEMS: ItemsOfList = new Map();

/** Takes the server, by its slug, and the kind of items of which more, fewer or others are shown by what people have said. */
export type ItemListener = (server: string, kind: ItemKind) => void;

/** A part of a list. */
interface ListedItems {
  readonly server: ServerDefinition;
  readonly kind: ItemKind;
  readonly items: readonly JsonValue[];
}

/**
 * Knows the items of all servers: as they were approved, as they are now, and what people have said of them. Every worker
 * has it in memory, and compares it with the database twice a second.
 */
@Injectable()
export class Items implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Items');
  private readonly table: ItemTable;
  private known: ReadonlyMap<string, ItemsOfList> = new Map();
  private revision: number | undefined;
  private readonly latestRefresh = new LatestLook(() => this.refreshFromDatabase());
  private pollTimer: NodeJS.Timeout | undefined;
  private writeTimer: NodeJS.Timeout | undefined;
  /** Definitions that are not looked at yet, and those that are not written yet, by server, kind and name. */
  private unprocessed: ListedItems[] = [];
  private readonly pendingWrites = new Map<string, Observation>();
  /** Written, and not certainly in what was read last. */
  private readonly awaitingReadBack = new Map<string, Observation>();
  private readonly listeners = new Set<ItemListener>();
  private readonly seenPages = new SeenPageCache();
  private isDatabaseUnavailable = false;

  constructor(
    database: Database,
    private readonly registry: ServerRegistry,
  ) {
    this.table = new ItemTable(database);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.latestRefresh.refresh();
    this.pollTimer = setInterval(() => void this.latestRefresh.refresh(), POLL_INTERVAL_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.pollTimer);
    clearTimeout(this.writeTimer);
    await this.latestRefresh.whenIdle();
    await this.flush();
  }

  /** Calls back when people have changed what is shown. Returns how to stop. */
  onChange(listener: ItemListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Takes note of what a server says of its items, soon. Only of what it has said just now: what is remembered of it would
   * undo what was seen since.
   */
  observe(server: ServerDefinition, kind: ItemKind, items: readonly JsonValue[]): void {
    if (isQuarantining(server, kind)) return this.recordObservations({ server, kind, items });
    if (this.unprocessed.length === 0) setImmediate(() => this.processNextBatch());
    this.unprocessed.push({ server, kind, items });
  }

  /** The items of a page that may be shown, as people want them shown. The very same page where that is what it is. */
  toVisibleItems(server: ServerDefinition, kind: ItemKind, page: readonly JsonValue[]): readonly JsonValue[] {
    const items = this.known.get(toListKey(server.slug, kind)) ?? NO_ITEMS;
    if (!isQuarantining(server, kind) && !hasOverrides(items)) return page;
    return page.map((item) => toVisibleItem(server, items, item, kind)).filter((item) => item !== undefined);
  }

  /** The name, or URI, that its server gives an item; undefined for what is there for nobody. */
  resolveOwnName(server: ServerDefinition, kind: ItemKind, name: string): string | undefined {
    const items = this.known.get(toListKey(server.slug, kind)) ?? NO_ITEMS;
    if (kind === 'resources' && !items.has(name) && this.isDisabledByTemplate(server, name)) return undefined;
    if (!hasOverrides(items)) return name;
    const renamed = isRenamable(kind) ? indexByShownName(items).get(name) : undefined;
    const item = renamed ?? items.get(name);
    // It was never seen.
    if (!item) return name;
    const isCalledOtherwise = !renamed && isRenamable(kind) && item.shownName !== undefined;
    return item.isDisabled || isCalledOtherwise ? undefined : item.name;
  }

  /** Whether a tool may run, by the name that its server gives it, once its server's list was looked at. */
  checkTool(server: ServerDefinition, own: string): 'yes' | 'unlisted' | 'quarantined' {
    if (!isQuarantining(server, 'tools')) return 'yes';
    const tool = this.known.get(toListKey(server.slug, 'tools'))?.get(own);
    // Nobody has approved what nobody has seen.
    if (!tool) return 'unlisted';
    return statusOf(tool, server) === 'quarantined' ? 'quarantined' : 'yes';
  }

  statusOf(item: KnownItem): ItemStatus {
    const server = this.registry.snapshot.servers.find(({ slug }) => slug === item.server);
    return statusOf(item, server);
  }

  /** All of a kind that are known, those of servers that are not there any more excepted. */
  list(kind: ItemKind): readonly KnownItem[] {
    const slugs = new Set(this.registry.snapshot.servers.map(({ slug }) => slug));
    const all = [...this.known.values()].flatMap((items) => [...items.values()]);
    return all.filter((item) => item.kind === kind && slugs.has(item.server));
  }

  /** @throws DatabaseUnavailable */
  async find(key: ItemKey): Promise<DefinedItem | undefined> {
    await this.flush();
    return isStorableName(key.name) ? this.table.find(key) : undefined;
  }

  /** False when another definition has been seen meanwhile. @throws DatabaseUnavailable */
  async approve(key: ItemKey, digest: string): Promise<boolean> {
    const isApproved = await this.table.approve(key, digest);
    await this.latestRefresh.refresh();
    return isApproved;
  }

  /** @throws DatabaseUnavailable */
  async setOverrides(key: ItemKey, choice: ItemOverrides): Promise<void> {
    await this.table.setOverrides(key, choice);
    await this.latestRefresh.refresh();
  }

  /** Whether a resource that no list has is one of templates that are all switched off. */
  private isDisabledByTemplate({ slug }: ServerDefinition, uri: string): boolean {
    const templates = this.known.get(toListKey(slug, 'resourceTemplates'));
    if (!templates || !hasOverrides(templates)) return false;
    const its = [...templates.values()].filter(({ name }) => couldMatchTemplate(name, uri));
    return its.length > 0 && its.every(({ isDisabled }) => isDisabled);
  }

  /** All that are known, with their definitions, those of servers that are not there excepted. @throws DatabaseUnavailable */
  async readDefinitions(): Promise<readonly DefinedItem[]> {
    await this.flush();
    const slugs = new Set(this.registry.snapshot.servers.map(({ slug }) => slug));
    return (await this.table.readDefinitions()).filter(({ server }) => slugs.has(server));
  }

  /**
   * Brings items to what was approved and said of them elsewhere, or before. With `replace` nothing is said of the others
   * any more; with `dryRun` it is only counted. @throws DatabaseUnavailable
   */
  async restore(
    items: readonly RestoredItem[],
    { replace, dryRun }: { readonly replace: boolean; readonly dryRun: boolean },
  ): Promise<RestoredCounts> {
    await this.flush();
    const { changed, counts } = planRestoration(await this.table.readDefinitions(), items, replace);
    if (!dryRun && changed.length > 0) await this.table.restore(changed);
    await this.latestRefresh.refresh();
    return counts;
  }

  /** In pieces: others are served in between. */
  private processNextBatch(): void {
    const [next, ...others] = this.unprocessed;
    if (!next) return;
    this.recordObservations({ ...next, items: next.items.slice(0, BATCH_SIZE) });
    const rest = next.items.slice(BATCH_SIZE);
    this.unprocessed = rest.length > 0 ? [{ ...next, items: rest }, ...others] : others;
    if (this.unprocessed.length > 0) setImmediate(() => this.processNextBatch());
  }

  private recordObservations({ server, kind, items }: ListedItems): void {
    const list = toListKey(server.slug, kind);
    const print = toFingerprint(items);
    if (this.seenPages.has(list, print)) return;
    const known = this.known.get(list);
    const fresh: KnownItem[] = [];
    for (const item of items) {
      const definition = toDefinition(kind, item);
      if (!definition) continue;
      const before = known?.get(definition.name);
      if (!before && (known?.size ?? 0) + fresh.length >= MAX_ITEMS_PER_LIST) continue;
      if (before?.seenDigest !== definition.digest)
        fresh.push(this.recordObservation(server.slug, kind, definition, before));
    }
    if (fresh.length === 0) return this.seenPages.add(list, print);
    this.seenPages.evict(list);
    const merged = new Map([...(known ?? []), ...fresh.map((item) => [item.name, item] as const)]);
    this.known = new Map([...this.known, [list, merged]]);
    this.writeTimer ??= setTimeout(() => void this.flush(), WRITE_DELAY_MS).unref();
  }

  private recordObservation(
    server: string,
    kind: ItemKind,
    seen: Definition,
    before: KnownItem | undefined,
  ): KnownItem {
    const { name, definition, digest } = seen;
    const flags = findSuspicions(definition);
    const key = JSON.stringify([server, kind, name]);
    const first = this.pendingWrites.get(key)?.first ?? seen;
    this.pendingWrites.set(key, { server, kind, name, seen, first, flags });
    const now = new Date();
    if (before) {
      this.logger.warn(`${server} has changed the definition of ${JSON.stringify(name.slice(0, 100))} (${kind}).`);
      return { ...before, seenDigest: digest, flags, changedAt: now };
    }
    const digests = { approvedDigest: digest, seenDigest: digest };
    return { server, kind, name, ...digests, flags, isDisabled: false, firstSeenAt: now, changedAt: now };
  }

  /** What could not be written is tried again. */
  private async flush(): Promise<void> {
    clearTimeout(this.writeTimer);
    this.writeTimer = undefined;
    const sightings = [...this.pendingWrites];
    try {
      for (let from = 0; from < sightings.length; from += BATCH_SIZE) {
        const some = sightings.slice(from, from + BATCH_SIZE);
        await this.table.recordObservations(
          some.map(([, sighting]) => sighting),
          new Date(),
        );
        for (const [key, sighting] of some) this.awaitReadBack(key, sighting);
      }
    } catch (cause) {
      this.logger.warn(`What items are like could not be written down: ${String(cause)}`);
      this.writeTimer ??= setTimeout(() => void this.flush(), POLL_INTERVAL_MS).unref();
    }
  }

  private awaitReadBack(key: string, sighting: Observation): void {
    // It may have changed meanwhile.
    if (this.pendingWrites.get(key) !== sighting) return;
    this.pendingWrites.delete(key);
    this.awaitingReadBack.set(key, sighting);
  }

  private async refreshFromDatabase(): Promise<void> {
    const settled = [...this.awaitingReadBack];
    try {
      const revision = await this.table.revision();
      if (revision !== this.revision) this.applyStored(await this.table.readAll());
      this.revision = revision;
      for (const [key, sighting] of settled)
        if (this.awaitingReadBack.get(key) === sighting) this.awaitingReadBack.delete(key);
      this.isDatabaseUnavailable = false;
    } catch (cause) {
      if (!this.isDatabaseUnavailable) this.logger.error(`What is known of items stays as it was. ${String(cause)}`);
      this.isDatabaseUnavailable = true;
    }
  }

  /** What is seen here and not written yet is newer than what is written. */
  private applyStored(stored: readonly KnownItem[]): void {
    const lists = new Map<string, Map<string, KnownItem>>();
    const put = (item: KnownItem) => {
      const list = toListKey(item.server, item.kind);
      const items = lists.get(list) ?? new Map<string, KnownItem>();
      lists.set(list, items.set(item.name, item));
    };
    for (const item of stored) put(item);
    for (const { server, kind, name, seen, flags } of [
      ...this.awaitingReadBack.values(),
      ...this.pendingWrites.values(),
    ]) {
      const list = toListKey(server, kind);
      const item = lists.get(list)?.get(name) ?? this.known.get(list)?.get(name);
      if (item) put({ ...item, seenDigest: seen.digest, flags });
    }
    const before = this.known;
    this.known = lists;
    this.seenPages.clear();
    if (this.revision !== undefined) this.notifyListeners(before);
  }

  private notifyListeners(before: ReadonlyMap<string, ItemsOfList>): void {
    for (const [list, items] of this.known) {
      const [first] = items.values();
      if (!first || toOverridesText(items) === toOverridesText(before.get(list))) continue;
      for (const tell of this.listeners) tell(first.server, first.kind);
    }
  }
}

/** The same text as long as people have said the same. */
const toOverridesText = (items: ItemsOfList | undefined): string =>
  JSON.stringify(
    [...(items?.values() ?? [])]
      .filter(
        (item) =>
          item.isDisabled || item.shownName !== undefined || item.shownDescription !== undefined || isChanged(item),
      )
      .map((item) => [item.name, item.isDisabled, item.shownName, item.shownDescription, isChanged(item)])
      .toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
  );

const isChanged = ({ approvedDigest, seenDigest }: KnownItem): boolean => approvedDigest !== seenDigest;

const toListKey = (server: string, kind: ItemKind): string => `${server} ${kind}`;

/** Tools run: where their server says so, nobody is let near one that has changed. */
const isQuarantining = ({ toolChanges }: ServerDefinition, kind: ItemKind): boolean =>
  kind === 'tools' && toolChanges === 'quarantine';

/** Resources are known by their URIs; what people call them changes nothing. */
const isRenamable = (kind: ItemKind): boolean => kind === 'tools' || kind === 'prompts';

function toVisibleItem(
  server: ServerDefinition,
  items: ItemsOfList,
  item: JsonValue,
  kind: ItemKind,
): JsonObject | undefined {
  if (!isJsonObject(item)) return undefined;
  const name = item[ID_MEMBERS[kind]];
  const known = typeof name === 'string' ? items.get(name) : undefined;
  // Of a server that is kept to what was approved all are known, unless it has more than anybody can look at.
  if (!known) return isQuarantining(server, kind) ? undefined : item;
  if (known.isDisabled || statusOf(known, server) === 'quarantined') return undefined;
  // A list that is remembered may be older than what was approved since.
  if (isQuarantining(server, kind) && toDefinition(kind, item)?.digest !== known.approvedDigest) return undefined;
  const { shownName, shownDescription } = known;
  if (shownName === undefined && shownDescription === undefined) return item;
  return {
    ...item,
    ...(shownName !== undefined && { name: shownName }),
    ...(shownDescription !== undefined && { description: shownDescription }),
  };
}

function statusOf(item: KnownItem, server: ServerDefinition | undefined): ItemStatus {
  if (item.approvedDigest === item.seenDigest) return 'approved';
  return server && isQuarantining(server, item.kind) ? 'quarantined' : 'changed';
}

const overridesCache = new WeakMap<ItemsOfList, boolean>();
const shownNamesCache = new WeakMap<ItemsOfList, ReadonlyMap<string, KnownItem>>();

/** Whether people have said anything of any of them. */
function hasOverrides(items: ItemsOfList): boolean {
  const before = overridesCache.get(items);
  if (before !== undefined) return before;
  const isSo = [...items.values()].some(
    (item) => item.isDisabled || item.shownName !== undefined || item.shownDescription !== undefined,
  );
  overridesCache.set(items, isSo);
  return isSo;
}

/** By the names that people gave them. */
function indexByShownName(items: ItemsOfList): ReadonlyMap<string, KnownItem> {
  const before = shownNamesCache.get(items);
  if (before) return before;
  const names = new Map(
    [...items.values()].flatMap((item) => (item.shownName === undefined ? [] : [[item.shownName, item] as const])),
  );
  shownNamesCache.set(items, names);
  return names;
}
