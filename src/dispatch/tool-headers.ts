import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import {
  cleanDetail,
  isJsonObject,
  needsEnvelope,
  readParameterHeaders,
  type Era,
  type JsonValue,
  type ParameterHeader,
} from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import type { ServerDefinition } from '../registry/index.js';
import { Items } from '../items/index.js';
import { ServerSubscriptions } from '../subscriptions/index.js';
import { SILENT_SINK } from './call-delivery.js';
import type { Inbound } from './inbound.js';
import { collectPages, ListFetcher } from './lists/index.js';
import { ServerProfiles } from './server-profiles.js';

/** What the calls of a server's tools depend on. */
interface ToolFacts {
  readonly headers: ReadonlyMap<string, readonly ParameterHeader[]>;
  /** Tools whose results reach legacy clients in an envelope. */
  readonly enveloped: ReadonlySet<string>;
}

const NO_FACTS: ToolFacts = { headers: new Map(), enveloped: new Set() };

const NO_HEADERS: readonly ParameterHeader[] = [];
/** Maximum age of known headers. An announced change or a list that passes through updates them at once. */
const KNOWN_FOR_MS = 60_000;
/** Delay before a failed tool list is fetched again, so that not every call waits for it. */
const RETRY_DELAY_MS = 5_000;
/** Maximum number of tool lists whose headers are stored. Beyond it those that were read first are read again. */
const MAX_LISTS = 5_000;
/** Time for the tool list where finding out the era used the connect timeout, in milliseconds. */
const MIN_LIST_MS = 100;

/** The tools of a server as one account sees them: credentials of callers may show them different definitions. */
interface ToolList {
  readonly server: ServerDefinition;
  readonly account: string;
}

interface KnownTools {
  readonly server: ServerDefinition;
  readonly until: number;
  readonly tools: ToolFacts | Promise<ToolFacts>;
}

/**
 * Stores what calls depend on of the definitions of tools: the parameters that are repeated in `Mcp-Param-*` headers (specification 2026:
 * basic/transports/streamable-http, Custom Headers from Tool Parameters). Reads them from lists that pass through, and
 * fetches the list before the first call when the server is modern or the client sends such headers.
 */
@Injectable()
export class ToolHeaders implements OnApplicationShutdown {
  private readonly logger = new Logger(ToolHeaders.name);
  private readonly known = new Map<string, KnownTools>();
  private readonly stopWatching: () => void;

  constructor(
    private readonly profiles: ServerProfiles,
    private readonly listFetcher: ListFetcher,
    private readonly items: Items,
    serverSubscriptions: ServerSubscriptions,
    private readonly clock: Clock,
  ) {
    this.stopWatching = serverSubscriptions.onListChange((slug, fetchTools, why) => {
      if (fetchTools === 'toolsListChanged' && why === 'changed') this.forget(slug);
    });
  }

  onApplicationShutdown(): void {
    this.stopWatching();
  }

  /**
   * Synchronous when the server's tools are known or neither side uses parameter headers. Headers of a client are checked for
   * servers of both eras, because a proxy before the gateway may have decided by them. Throws a GatewayError if the credentials
   * strategy of an extension fails.
   */
  headersFor(
    server: ServerDefinition,
    tool: string,
    inbound: Inbound,
  ): readonly ParameterHeader[] | Promise<readonly ParameterHeader[]> {
    // The tools of a quarantining server are checked against a list that is at most a minute old.
    const isPinned = server.toolChanges === 'quarantine';
    if (!inbound.mirrored && !isPinned && this.receivesNoHeaders(server, inbound)) return NO_HEADERS;
    const list = this.listFor(server, inbound);
    const known = this.findTools(list);
    return known ? pickHeaders(known, tool) : this.loadHeaders(list, tool, inbound);
  }

  /**
   * True if a modern result of the tool that is an object reaches legacy clients in an envelope, because its output schema allows
   * other results too. A server that answers in the legacy era makes the envelope itself.
   */
  hasEnvelope(server: ServerDefinition, tool: string, inbound: Inbound): boolean | Promise<boolean> {
    const list = this.tryToFindList(server, inbound.caller);
    if (!list) return false;
    const tools = this.findTools(list) ?? this.loadTools(list, inbound, this.clock.monotonicNow());
    return tools instanceof Promise ? tools.then(({ enveloped }) => enveloped.has(tool)) : tools.enveloped.has(tool);
  }

  /** Reads the headers and definitions of a complete list. `serverEra` is absent for the list of an aggregating endpoint. */
  learn(server: ServerDefinition, caller: Caller, tools: readonly JsonValue[], serverEra: Era | undefined): void {
    this.items.observe(server, 'tools', tools);
    // What a server of both eras lists in the legacy era does not show which of its tools have an envelope.
    if (serverEra === 'legacy' && this.profiles.eraOf(server) !== 'legacy') return;
    const list = this.tryToFindList(server, caller);
    if (list) this.store(list, this.toFacts(server, tools), KNOWN_FOR_MS);
  }

  /** Only a modern server over HTTP has headers for its parameters. */
  private receivesNoHeaders(server: ServerDefinition, inbound: Inbound): boolean {
    const { transport } = server;
    return (
      transport === 'sse' ||
      transport === 'stdio' ||
      this.profiles.eraOf(server, headerEraSourceOf(inbound)) === 'legacy'
    );
  }

  private listFor(server: ServerDefinition, { caller }: Pick<Inbound, 'caller'>): ToolList {
    return { server, account: this.profiles.accountOf(server, caller) };
  }

  /** Undefined if the credentials strategy of an extension fails. */
  private tryToFindList(server: ServerDefinition, caller: Caller): ToolList | undefined {
    try {
      return this.listFor(server, { caller });
    } catch {
      return undefined;
    }
  }

  private async loadHeaders(list: ToolList, tool: string, inbound: Inbound): Promise<readonly ParameterHeader[]> {
    const startedAt = this.clock.monotonicNow();
    const { server } = list;
    const isPinned = server.toolChanges === 'quarantine';
    const isModern =
      inbound.mirrored ||
      isPinned ||
      (await this.profiles.detectEra(server, headerEraSourceOf(inbound)).catch(() => undefined)) === 'modern';
    if (!isModern) return NO_HEADERS;
    // A concurrent call may have started the request meanwhile.
    return pickHeaders(this.findTools(list) ?? this.loadTools(list, inbound, startedAt), tool);
  }

  private loadTools(list: ToolList, inbound: Inbound, startedAt: number): Promise<ToolFacts> {
    const fetching = this.list(list.server, inbound, startedAt);
    const tools = fetching.then((found) => found.tools);
    const entry = this.store(list, tools, KNOWN_FOR_MS);
    // A change during the request discards its result.
    const isCurrent = () => this.known.get(toKey(list)) === entry;
    fetching.then(
      (found) => isCurrent() && this.store(list, found.tools, found.forMs),
      () => isCurrent() && this.known.delete(toKey(list)),
    );
    return tools;
  }

  /** Fetches the tools for all waiting calls, so no client's cancellation ends it (invariant 4). */
  private async list(
    server: ServerDefinition,
    inbound: Inbound,
    startedAt: number,
  ): Promise<{ tools: ToolFacts; forMs: number }> {
    const { session: _session, ...alone } = inbound;
    const deadline = new AbortController();
    // A call waits for its server's era and list no longer than for its connection.
    const leftMs = server.timeouts.connectMs - (this.clock.monotonicNow() - startedAt);
    const cancelTimeout = this.clock.after(Math.max(leftMs, MIN_LIST_MS), () => deadline.abort());
    const pages = await collectPages({ server: server.slug, method: 'tools/list' }, (request) =>
      this.listFetcher.fetchPage(alone, { server, request, silent: true }, SILENT_SINK, deadline.signal),
    ).finally(cancelTimeout);
    if (!('items' in pages)) return { tools: NO_FACTS, forMs: RETRY_DELAY_MS };
    if (pages.isNew) this.items.observe(server, 'tools', pages.items);
    return { tools: this.toFacts(server, pages.items), forMs: KNOWN_FOR_MS };
  }

  private findTools(list: ToolList): KnownTools['tools'] | undefined {
    const known = this.known.get(toKey(list));
    return known?.server === list.server && this.clock.now() < known.until ? known.tools : undefined;
  }

  /** A change at a server may concern every account. */
  private forget(slug: string): void {
    const prefix = toKey({ server: { slug }, account: '' });
    for (const key of this.known.keys()) if (key.startsWith(prefix)) this.known.delete(key);
  }

  private store(list: ToolList, tools: KnownTools['tools'], forMs: number): KnownTools {
    const known = { server: list.server, until: this.clock.now() + forMs, tools };
    const key = toKey(list);
    this.known.delete(key);
    this.known.set(key, known);
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_LISTS && oldest !== undefined) this.known.delete(oldest);
    return known;
  }

  private toFacts(server: ServerDefinition, tools: readonly JsonValue[]): ToolFacts {
    const headers = new Map<string, readonly ParameterHeader[]>();
    const enveloped = new Set<string>();
    for (const tool of tools) {
      if (!isJsonObject(tool) || typeof tool['name'] !== 'string') continue;
      if (needsEnvelope(tool['outputSchema'])) enveloped.add(tool['name']);
      if (!isJsonObject(tool['inputSchema'])) continue;
      const reading = readParameterHeaders(tool['inputSchema']);
      if ('fault' in reading) this.logger.warn(cleanDetail(`${server.slug}: tool ${tool['name']}: ${reading.fault}`));
      else if (reading.headers.length > 0) headers.set(tool['name'], reading.headers);
    }
    return { headers, enveloped };
  }
}

/** A slug contains no space. */
const toKey = ({ server, account }: { readonly server: { readonly slug: string }; readonly account: string }): string =>
  `${server.slug} ${account}`;

/**
 * In which era the connection of a session serves its client, only the session's owner knows. At another worker the headers are
 * determined for every server that speaks the modern era. The owner does not send them over a legacy connection.
 */
function headerEraSourceOf({
  caller,
  client,
  session,
  endpoint,
}: Inbound): Pick<Inbound, 'caller' | 'client'> & Partial<Inbound> {
  return session?.location === 'remote'
    ? { caller, client }
    : { caller, client, endpoint, ...(session && { session }) };
}

function pickHeaders(
  tools: KnownTools['tools'],
  tool: string,
): readonly ParameterHeader[] | Promise<readonly ParameterHeader[]> {
  return tools instanceof Promise
    ? tools.then(({ headers }) => headers.get(tool) ?? NO_HEADERS)
    : (tools.headers.get(tool) ?? NO_HEADERS);
}
