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
/** What is seen is written together, and looked at in pieces, so that nobody waits for it. */
const GATHERING_MS = 200;
const AT_ONCE = 100;
/** As many as a list may have at all: a server that invents others each time is not kept in mind for ever. */
const MOST_PER_LIST = 50_000;

type ItemsOfList = ReadonlyMap<string, KnownItem>;

const NONE_KNOWN: ItemsOfList = new Map();

/** Takes the server, by its slug, and the kind of items of which more, fewer or others are shown by what people have said. */
export type ItemListener = (server: string, kind: ItemKind) => void;

/** A part of a list. */
interface Listed {
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
  private readonly looks = new LatestLook(() => this.look());
  private poll: NodeJS.Timeout | undefined;
  private writing: NodeJS.Timeout | undefined;
  /** Definitions that are not looked at yet, and those that are not written yet, by server, kind and name. */
  private unread: Listed[] = [];
  private readonly unwritten = new Map<string, Sighting>();
  /** Written, and not certainly in what was read last. */
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
    if (isStrict(server, kind)) return this.see({ server, kind, items });
    if (this.unread.length === 0) setImmediate(() => this.readOn());
    this.unread.push({ server, kind, items });
  }

  /** The items of a page that may be shown, as people want them shown. The very same page where that is what it is. */
  shown(server: ServerDefinition, kind: ItemKind, page: readonly JsonValue[]): readonly JsonValue[] {
    const items = this.known.get(listKey(server.slug, kind)) ?? NONE_KNOWN;
    if (!isStrict(server, kind) && !hasChoices(items)) return page;
    return page.map((item) => shownItem(server, items, item, kind)).filter((item) => item !== undefined);
  }

  /** The name, or URI, that its server gives an item; undefined for what is there for nobody. */
  ownNameOf(server: ServerDefinition, kind: ItemKind, name: string): string | undefined {
    const items = this.known.get(listKey(server.slug, kind)) ?? NONE_KNOWN;
    if (kind === 'resources' && !items.has(name) && this.isOffByTemplate(server, name)) return undefined;
    if (!hasChoices(items)) return name;
    const renamed = isRenamable(kind) ? renamedIn(items).get(name) : undefined;
    const item = renamed ?? items.get(name);
    // It was never seen.
    if (!item) return name;
    const isCalledOtherwise = !renamed && isRenamable(kind) && item.shownName !== undefined;
    return item.isDisabled || isCalledOtherwise ? undefined : item.name;
  }

  /** Whether a tool may run, by the name that its server gives it, once its server's list was looked at. */
  mayRun(server: ServerDefinition, own: string): 'yes' | 'unlisted' | 'quarantined' {
    if (!isStrict(server, 'tools')) return 'yes';
    const tool = this.known.get(listKey(server.slug, 'tools'))?.get(own);
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
    await this.write();
    return isKeepable(key.name) ? this.table.find(key) : undefined;
  }

  /** False when another definition has been seen meanwhile. @throws DatabaseUnavailable */
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

  /** Whether a resource that no list has is one of templates that are all switched off. */
  private isOffByTemplate({ slug }: ServerDefinition, uri: string): boolean {
    const templates = this.known.get(listKey(slug, 'resourceTemplates'));
    if (!templates || !hasChoices(templates)) return false;
    const its = [...templates.values()].filter(({ name }) => mayBeOf(name, uri));
    return its.length > 0 && its.every(({ isDisabled }) => isDisabled);
  }

  /** All that are known, with their definitions, those of servers that are not there excepted. @throws DatabaseUnavailable */
  async defined(): Promise<readonly DefinedItem[]> {
    await this.write();
    const slugs = new Set(this.registry.snapshot.servers.map(({ slug }) => slug));
    return (await this.table.defined()).filter(({ server }) => slugs.has(server));
  }

  /**
   * Brings items to what was approved and said of them elsewhere, or before. With `replace` nothing is said of the others
   * any more; with `dryRun` it is only counted. @throws DatabaseUnavailable
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

  /** In pieces: others are served in between. */
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
      this.logger.warn(`${server} has changed the definition of ${JSON.stringify(name.slice(0, 100))} (${kind}).`);
      return { ...before, seenDigest: digest, flags, changedAt: now };
    }
    const digests = { approvedDigest: digest, seenDigest: digest };
    return { server, kind, name, ...digests, flags, isDisabled: false, firstSeenAt: now, changedAt: now };
  }

  /** What could not be written is tried again. */
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
      this.logger.warn(`What items are like could not be written down: ${String(cause)}`);
      this.writing ??= setTimeout(() => void this.write(), POLL_MS).unref();
    }
  }

  private settle(key: string, sighting: Sighting): void {
    // It may have changed meanwhile.
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
      if (!this.isAway) this.logger.error(`What is known of items stays as it was. ${String(cause)}`);
      this.isAway = true;
    }
  }

  /** What is seen here and not written yet is newer than what is written. */
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
      for (const tell of this.listeners) tell(first.server, first.kind);
    }
  }
}

/** The same text as long as people have said the same. */
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

/** Tools run: where their server says so, nobody is let near one that has changed. */
const isStrict = ({ toolChanges }: ServerDefinition, kind: ItemKind): boolean =>
  kind === 'tools' && toolChanges === 'quarantine';

/** Resources are known by their URIs; what people call them changes nothing. */
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
  // Of a server that is kept to what was approved all are known, unless it has more than anybody can look at.
  if (!known) return isStrict(server, kind) ? undefined : item;
  if (known.isDisabled || statusOf(known, server) === 'quarantined') return undefined;
  // A list that is remembered may be older than what was approved since.
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

/** Whether people have said anything of any of them. */
function hasChoices(items: ItemsOfList): boolean {
  const before = choices.get(items);
  if (before !== undefined) return before;
  const isSo = [...items.values()].some(
    (item) => item.isDisabled || item.shownName !== undefined || item.shownDescription !== undefined,
  );
  choices.set(items, isSo);
  return isSo;
}

/** By the names that people gave them. */
function renamedIn(items: ItemsOfList): ReadonlyMap<string, KnownItem> {
  const before = renamed.get(items);
  if (before) return before;
  const names = new Map(
    [...items.values()].flatMap((item) => (item.shownName === undefined ? [] : [[item.shownName, item] as const])),
  );
  renamed.set(items, names);
  return names;
}
