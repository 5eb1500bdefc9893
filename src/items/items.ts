import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { Database, LatestLook } from '../database/index.js';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { definitionOf, isKeepable, LABELS, type Definition } from './definition.js';
import { suspicionsOf } from './scan.js';
import type { DefinedItem, ItemChoice, ItemKey, ItemKind, ItemStatus, KnownItem } from './item-record.js';
import { ItemTable, type Sighting } from './item-table.js';
import { FamiliarParts, printOf } from './familiar-parts.js';
import { restorationOf, type RestoredCounts, type RestoredItem } from './restoration.js';
import { mayBeOf } from './uri-templates.js';

const POLL_MS = 500;
/** Observations are collected for this time and written together. */
const GATHERING_MS = 200;
/** Items are processed and written in batches of this size, so that calls are served in between. */
const AT_ONCE = 100;
/** Equals the maximum length of a list: a server that lists new names each time cannot fill the memory. */
const MOST_PER_LIST = 50_000;

type ItemsOfList = ReadonlyMap<string, KnownItem>;

const NONE_KNOWN: ItemsOfList = new Map();

/** Receives the slug of the server and the kind of items whose visibility or overrides changed. */
export type ItemListener = (server: string, kind: ItemKind) => void;

/** A page of a list that is not processed yet. */
interface Listed {
  readonly server: ServerDefinition;
  readonly kind: ItemKind;
  readonly items: readonly JsonValue[];
}

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
  private readonly looks = new LatestLook(() => this.look());
  private poll: NodeJS.Timeout | undefined;
  private writing: NodeJS.Timeout | undefined;
  /** Pages that are not processed yet. */
  private unread: Listed[] = [];
  /** Observations that are not written yet, by server, kind and name. */
  private readonly unwritten = new Map<string, Sighting>();
  /** Written observations that the last read of the table may not contain. */
  private readonly settling = new Map<string, Sighting>();
  private readonly listeners = new Set<ItemListener>();
  private readonly familiar = new FamiliarParts();
  private isAway = false;

  constructor(
    database: Database,
    private readonly registry: ServerRegistry,
  ) {
    this.table = new ItemTable(database);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.looks.refresh();
    this.poll = setInterval(() => void this.looks.refresh(), POLL_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.poll);
    clearTimeout(this.writing);
    await this.looks.settled();
    await this.write();
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
    if (isStrict(server, kind)) return this.see({ server, kind, items });
    if (this.unread.length === 0) setImmediate(() => this.readOn());
    this.unread.push({ server, kind, items });
  }

  /** Returns the visible items of a page with their overrides. Returns the same array when nothing differs. */
  shown(server: ServerDefinition, kind: ItemKind, page: readonly JsonValue[]): readonly JsonValue[] {
    const items = this.known.get(listKey(server.slug, kind)) ?? NONE_KNOWN;
    if (!isStrict(server, kind) && !hasChoices(items)) return page;
    return page.map((item) => shownItem(server, items, item, kind)).filter((item) => item !== undefined);
  }

  /** Returns the own name or URI of an item by its shown name, or undefined when the item is unavailable. */
  ownNameOf(server: ServerDefinition, kind: ItemKind, name: string): string | undefined {
    const items = this.known.get(listKey(server.slug, kind)) ?? NONE_KNOWN;
    if (kind === 'resources' && !items.has(name) && this.isOffByTemplate(server, name)) return undefined;
    if (!hasChoices(items)) return name;
    const renamed = isRenamable(kind) ? renamedIn(items).get(name) : undefined;
    const item = renamed ?? items.get(name);
    // An item that was never observed has no overrides.
    if (!item) return name;
    const isRenamed = !renamed && isRenamable(kind) && item.shownName !== undefined;
    return item.isDisabled || isRenamed ? undefined : item.name;
  }

  /** Decides whether a tool may run, by its own name. Requires that the server's list was observed before. */
  mayRun(server: ServerDefinition, own: string): 'yes' | 'unlisted' | 'quarantined' {
    if (!isStrict(server, 'tools')) return 'yes';
    const tool = this.known.get(listKey(server.slug, 'tools'))?.get(own);
    // A tool that was never listed has no approved definition.
    if (!tool) return 'unlisted';
    return statusOf(tool, server) === 'quarantined' ? 'quarantined' : 'yes';
  }

  statusOf(item: KnownItem): ItemStatus {
    const server = this.registry.snapshot.servers.find(({ slug }) => slug === item.server);
    return statusOf(item, server);
  }

  /** Returns the items of a kind at configured servers. */
  list(kind: ItemKind): readonly KnownItem[] {
    const slugs = new Set(this.registry.snapshot.servers.map(({ slug }) => slug));
    const all = [...this.known.values()].flatMap((items) => [...items.values()]);
    return all.filter((item) => item.kind === kind && slugs.has(item.server));
  }

  /** @throws DatabaseUnavailable */
  async find(key: ItemKey): Promise<DefinedItem | undefined> {
    await this.write();
    return isKeepable(key.name) ? this.table.find(key) : undefined;
  }

  /** Returns false when another definition was observed meanwhile. @throws DatabaseUnavailable */
  async approve(key: ItemKey, digest: string): Promise<boolean> {
    const isApproved = await this.table.approve(key, digest);
    await this.looks.refresh();
    return isApproved;
  }

  /** @throws DatabaseUnavailable */
  async choose(key: ItemKey, choice: ItemChoice): Promise<void> {
    await this.table.choose(key, choice);
    await this.looks.refresh();
  }

  /** True when every template that could produce an unlisted URI is disabled. */
  private isOffByTemplate({ slug }: ServerDefinition, uri: string): boolean {
    const templates = this.known.get(listKey(slug, 'resourceTemplates'));
    if (!templates || !hasChoices(templates)) return false;
    const matching = [...templates.values()].filter(({ name }) => mayBeOf(name, uri));
    return matching.length > 0 && matching.every(({ isDisabled }) => isDisabled);
  }

  /** Returns the items of configured servers with their definitions. @throws DatabaseUnavailable */
  async defined(): Promise<readonly DefinedItem[]> {
    await this.write();
    const slugs = new Set(this.registry.snapshot.servers.map(({ slug }) => slug));
    return (await this.table.defined()).filter(({ server }) => slugs.has(server));
  }

  /**
   * Restores approvals and overrides from an export. `replace` removes the overrides of all other items; `dryRun` only counts the
   * changes. @throws DatabaseUnavailable
   */
  async restore(
    items: readonly RestoredItem[],
    { replace, dryRun }: { readonly replace: boolean; readonly dryRun: boolean },
  ): Promise<RestoredCounts> {
    await this.write();
    const { changed, counts } = restorationOf(await this.table.defined(), items, replace);
    if (!dryRun && changed.length > 0) await this.table.restore(changed);
    await this.looks.refresh();
    return counts;
  }

  /** Processes one batch and schedules the next, so that calls are served in between. */
  private readOn(): void {
    const [next, ...others] = this.unread;
    if (!next) return;
    this.see({ ...next, items: next.items.slice(0, AT_ONCE) });
    const rest = next.items.slice(AT_ONCE);
    this.unread = rest.length > 0 ? [{ ...next, items: rest }, ...others] : others;
    if (this.unread.length > 0) setImmediate(() => this.readOn());
  }

  private see({ server, kind, items }: Listed): void {
    const list = listKey(server.slug, kind);
    const print = printOf(items);
    if (this.familiar.has(list, print)) return;
    const known = this.known.get(list);
    const fresh: KnownItem[] = [];
    for (const item of items) {
      const definition = definitionOf(kind, item);
      if (!definition) continue;
      const before = known?.get(definition.name);
      if (!before && (known?.size ?? 0) + fresh.length >= MOST_PER_LIST) continue;
      if (before?.seenDigest !== definition.digest) fresh.push(this.sighted(server.slug, kind, definition, before));
    }
    if (fresh.length === 0) return this.familiar.add(list, print);
    this.familiar.forget(list);
    const merged = new Map([...(known ?? []), ...fresh.map((item) => [item.name, item] as const)]);
    this.known = new Map([...this.known, [list, merged]]);
    this.writing ??= setTimeout(() => void this.write(), GATHERING_MS).unref();
  }

  private sighted(server: string, kind: ItemKind, seen: Definition, before: KnownItem | undefined): KnownItem {
    const { name, definition, digest } = seen;
    const flags = suspicionsOf(definition);
    const key = JSON.stringify([server, kind, name]);
    const first = this.unwritten.get(key)?.first ?? seen;
    this.unwritten.set(key, { server, kind, name, seen, first, flags });
    const now = new Date();
    if (before) {
      this.logger.warn(`Server ${server} changed the definition of ${JSON.stringify(name.slice(0, 100))} (${kind}).`);
      return { ...before, seenDigest: digest, flags, changedAt: now };
    }
    const digests = { approvedDigest: digest, seenDigest: digest };
    return { server, kind, name, ...digests, flags, isDisabled: false, firstSeenAt: now, changedAt: now };
  }

  /** Writes pending observations. Schedules a retry when the database is unavailable. */
  private async write(): Promise<void> {
    clearTimeout(this.writing);
    this.writing = undefined;
    const sightings = [...this.unwritten];
    try {
      for (let from = 0; from < sightings.length; from += AT_ONCE) {
        const some = sightings.slice(from, from + AT_ONCE);
        await this.table.see(
          some.map(([, sighting]) => sighting),
          new Date(),
        );
        for (const [key, sighting] of some) this.settle(key, sighting);
      }
    } catch (cause) {
      this.logger.warn(`Failed to persist item definitions: ${String(cause)}`);
      this.writing ??= setTimeout(() => void this.write(), POLL_MS).unref();
    }
  }

  private settle(key: string, sighting: Sighting): void {
    // A newer observation may have replaced this one during the write.
    if (this.unwritten.get(key) !== sighting) return;
    this.unwritten.delete(key);
    this.settling.set(key, sighting);
  }

  private async look(): Promise<void> {
    const settled = [...this.settling];
    try {
      const revision = await this.table.revision();
      if (revision !== this.revision) this.take(await this.table.all());
      this.revision = revision;
      for (const [key, sighting] of settled) if (this.settling.get(key) === sighting) this.settling.delete(key);
      this.isAway = false;
    } catch (cause) {
      if (!this.isAway) this.logger.error(`Failed to read item definitions; keeping the previous ones. ${String(cause)}`);
      this.isAway = true;
    }
  }

  /** Replaces the items in memory by the stored ones, with observations of this worker that are newer. */
  private take(stored: readonly KnownItem[]): void {
    const lists = new Map<string, Map<string, KnownItem>>();
    const put = (item: KnownItem) => {
      const list = listKey(item.server, item.kind);
      const items = lists.get(list) ?? new Map<string, KnownItem>();
      lists.set(list, items.set(item.name, item));
    };
    for (const item of stored) put(item);
    for (const { server, kind, name, seen, flags } of [...this.settling.values(), ...this.unwritten.values()]) {
      const list = listKey(server, kind);
      const item = lists.get(list)?.get(name) ?? this.known.get(list)?.get(name);
      if (item) put({ ...item, seenDigest: seen.digest, flags });
    }
    const before = this.known;
    this.known = lists;
    this.familiar.clear();
    if (this.revision !== undefined) this.tellOfChoices(before);
  }

  private tellOfChoices(before: ReadonlyMap<string, ItemsOfList>): void {
    for (const [list, items] of this.known) {
      const [first] = items.values();
      if (!first || choicesIn(items) === choicesIn(before.get(list))) continue;
      for (const notify of this.listeners) notify(first.server, first.kind);
    }
  }
}

/** Equal for equal overrides and change marks. */
const choicesIn = (items: ItemsOfList | undefined): string =>
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

const listKey = (server: string, kind: ItemKind): string => `${server} ${kind}`;

/** True for the tools of a server whose `toolChanges` is `quarantine`. */
const isStrict = ({ toolChanges }: ServerDefinition, kind: ItemKind): boolean =>
  kind === 'tools' && toolChanges === 'quarantine';

/** Resources are identified by their URIs, so a shown name does not change how they are used. */
const isRenamable = (kind: ItemKind): boolean => kind === 'tools' || kind === 'prompts';

function shownItem(
  server: ServerDefinition,
  items: ItemsOfList,
  item: JsonValue,
  kind: ItemKind,
): JsonObject | undefined {
  if (!isJsonObject(item)) return undefined;
  const name = item[LABELS[kind]];
  const known = typeof name === 'string' ? items.get(name) : undefined;
  // At a quarantining server every item was observed before, except those with unstorable names or beyond the maximum.
  if (!known) return isStrict(server, kind) ? undefined : item;
  if (known.isDisabled || statusOf(known, server) === 'quarantined') return undefined;
  // A cached page may be older than the approval.
  if (isStrict(server, kind) && definitionOf(kind, item)?.digest !== known.approvedDigest) return undefined;
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
  return server && isStrict(server, item.kind) ? 'quarantined' : 'changed';
}

const choices = new WeakMap<ItemsOfList, boolean>();
const renamed = new WeakMap<ItemsOfList, ReadonlyMap<string, KnownItem>>();

/** True when any item of the list has overrides. */
function hasChoices(items: ItemsOfList): boolean {
  const before = choices.get(items);
  if (before !== undefined) return before;
  const hasAny = [...items.values()].some(
    (item) => item.isDisabled || item.shownName !== undefined || item.shownDescription !== undefined,
  );
  choices.set(items, hasAny);
  return hasAny;
}

/** Indexes renamed items by their shown names. */
function renamedIn(items: ItemsOfList): ReadonlyMap<string, KnownItem> {
  const before = renamed.get(items);
  if (before) return before;
  const names = new Map(
    [...items.values()].flatMap((item) => (item.shownName === undefined ? [] : [[item.shownName, item] as const])),
  );
  renamed.set(items, names);
  return names;
}
