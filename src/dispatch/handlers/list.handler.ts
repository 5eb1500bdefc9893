import { Injectable, Logger } from '@nestjs/common';
import {
  cleanDetail,
  LIST_MEMBERS,
  result,
  type Era,
  type JsonObject,
  type JsonValue,
  type ListMethod,
  type Outcome,
} from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { toItemKind, type Endpoint } from '../../catalog/index.js';
import type { ServerDefinition } from '../../registry/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { whileServerWorks } from '../../telemetry/index.js';
import { ItemGate } from '../../gate/index.js';
import { Items } from '../../items/index.js';
import { ServerSubscriptions } from '../../subscriptions/index.js';
import { SILENT_SINK } from '../call-delivery.js';
import { DispatchConfig } from '../dispatch.config.js';
import { invalidParams, upstreamTimedOut } from '../dispatch.errors.js';
import { MethodHandler, type Inbound } from '../inbound.js';
import {
  collectPages,
  ListFetcher,
  MissingLists,
  withWarnings,
  type CompleteList,
  type ListAnswer,
} from '../lists/index.js';
import { AnswerPublisher } from '../answer-publisher.js';
import { AdaptiveTimeout } from '../adaptive-timeout.js';
import { ToolHeaders } from '../tool-headers.js';

type Failed = Extract<Outcome, { kind: 'error' }>;
type Part = { readonly server: ServerDefinition } & (
  { readonly items: readonly JsonObject[]; readonly list: CompleteList } | { readonly failed: Failed }
);

/**
 * Lists tools, prompts, resources and resource templates. An aggregating endpoint queries all servers concurrently and keeps
 * their configuration order. Items of a failed server are replaced by a warning; the list fails when all servers fail.
 */
@Injectable()
export class ListHandler extends MethodHandler {
  readonly methods = Object.keys(LIST_MEMBERS);
  private readonly logger = new Logger(ListHandler.name);
  private readonly adaptiveTimeout: AdaptiveTimeout;
  private readonly missing: MissingLists;

  constructor(
    private readonly listFetcher: ListFetcher,
    private readonly toolHeaders: ToolHeaders,
    private readonly items: Items,
    private readonly gate: ItemGate,
    private readonly publisher: AnswerPublisher,
    private readonly config: DispatchConfig,
    private readonly clock: Clock,
    serverSubscriptions: ServerSubscriptions,
  ) {
    super();
    this.missing = new MissingLists((server, list) => serverSubscriptions.publishListChange(server, list, 'found'));
    this.adaptiveTimeout = new AdaptiveTimeout(config.listTimeoutMs, clock);
  }

  handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    return inbound.endpoint.transparent ? this.listOne(inbound, sink, signal) : this.listAll(inbound, signal);
  }

  private async listOne(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const [server] = inbound.endpoint.servers as [ServerDefinition];
    const { request, record } = inbound;
    record?.address(server.slug);
    const { outcome, isNew } = await whileServerWorks(record, () => this.fetchInTime(inbound, server, sink, signal));
    const isWhole =
      outcome.kind === 'result' &&
      [outcome.result['nextCursor'], request.params['cursor']].every((each) => each === undefined);
    const method = request.method as ListMethod;
    const items = outcome.kind === 'result' ? outcome.result[LIST_MEMBERS[method]] : undefined;
    const serverEra = outcome.kind === 'result' ? outcome.serverEra : undefined;
    if (isNew && Array.isArray(items)) this.learn(inbound, server, method, items, { isWhole, serverEra });
    return this.publisher.publishPage(inbound.endpoint, server, method, outcome);
  }

  /** Fetches a page within the time that an aggregated list waits for a server, and cancels a late request. */
  private async fetchInTime(
    inbound: Inbound,
    server: ServerDefinition,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<ListAnswer> {
    const { request, session, requestId } = inbound;
    const timeout = new AbortController();
    const cancelTimeout = this.clock.after(this.config.listTimeoutMs, () => {
      timeout.abort();
      // The owner of a session does not see the signal. It answers when the call is cancelled, or ended meanwhile.
      void session?.cancel(requestId).catch(() => undefined);
    });
    const wanted = AbortSignal.any([signal, timeout.signal]);
    const answer = await this.listFetcher
      .fetchPage(inbound, { server, request }, sink, wanted)
      .finally(() => cancelTimeout());
    if (!timeout.signal.aborted || answer.outcome.kind === 'result') return answer;
    const { eventId } = answer.outcome;
    return { ...answer, outcome: { ...upstreamTimedOut(server.slug), ...(eventId !== undefined && { eventId }) } };
  }

  private async listAll(inbound: Inbound, signal: AbortSignal): Promise<Outcome> {
    const { cursor } = inbound.request.params;
    const offset = cursor === undefined ? 0 : parseCursor(cursor);
    if (offset === undefined)
      return invalidParams('params.cursor was not issued by this gateway. Request the list without a cursor.');
    const method = inbound.request.method as ListMethod;
    const { servers } = inbound.endpoint;
    const parts = await runUntilAborted(signal, (wanted) =>
      Promise.all(servers.map((server) => this.fetchPart(server, inbound, method, wanted))),
    );
    const failed = parts.flatMap((part) => ('failed' in part ? [part] : []));
    const first = failed[0];
    if (first && failed.length === parts.length) return first.failed;
    const items = parts.flatMap((part) => ('items' in part ? part.items : []));
    const listed = toPage(method, items, offset, this.config.listPageSize);
    const warnings = [...failed.map(toWarning), ...findItemWarnings(inbound.endpoint, method, parts)];
    return result(withWarnings({ ...listed, ...toCacheHintMembers(inbound.endpoint, method, parts) }, warnings));
  }

  private async fetchPart(
    server: ServerDefinition,
    inbound: Inbound,
    method: ListMethod,
    signal: AbortSignal,
  ): Promise<Part> {
    const ask = async () => {
      const list = await collectPages({ server: server.slug, method }, (request) =>
        this.listFetcher.fetchPage(inbound, { server, request, silent: true }, SILENT_SINK, signal),
      );
      // The client may have been answered without it meanwhile.
      if ('items' in list) this.missing.recordFetched(server, method, inbound.caller.key);
      return list;
    };
    const answer =
      (await whileServerWorks(inbound.record, () =>
        this.adaptiveTimeout.run(server, ask, (pages) => 'items' in pages),
      )) ?? upstreamTimedOut(server.slug);
    if ('items' in answer) {
      this.missing.recordReceived(server, method, inbound.caller.key);
      return { server, items: this.publish(inbound, server, method, answer), list: answer };
    }
    if (!signal.aborted) this.missing.recordMissing(server, method, inbound.caller.key);
    // A client that has left says nothing about its servers.
    if (!signal.aborted) this.logger.warn(`${method} of ${server.slug} failed: ${cleanDetail(answer.error.message)}`);
    return { server, failed: answer };
  }

  private publish(inbound: Inbound, server: ServerDefinition, method: ListMethod, list: CompleteList) {
    if (list.isNew) this.learn(inbound, server, method, list.items, { isWhole: true });
    const kind = LIST_MEMBERS[method];
    const pages = list.pages.map((each) => this.items.toVisibleItems(server, kind, each));
    return this.gate.publish(inbound.endpoint, server, method, pages);
  }

  private learn(
    { caller }: Inbound,
    server: ServerDefinition,
    method: ListMethod,
    items: readonly JsonValue[],
    { isWhole, serverEra }: { readonly isWhole: boolean; readonly serverEra?: Era | undefined },
  ): void {
    if (method === 'tools/list' && isWhole) this.toolHeaders.learn(server, caller, items, serverEra);
    else this.items.observe(server, LIST_MEMBERS[method], items);
  }
}

/** Aborts the work when the client disconnects, but not when it was answered: a late server can still regain its full timeout. */
async function runUntilAborted<T>(signal: AbortSignal, work: (wanted: AbortSignal) => Promise<T>): Promise<T> {
  const wanted = new AbortController();
  const stop = () => wanted.abort();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work(wanted.signal);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A warning names its item, so a caller from whom items are withheld receives none. */
function findItemWarnings(endpoint: Endpoint, method: ListMethod, parts: readonly Part[]): readonly JsonObject[] {
  if (!endpoint.showsAll(toItemKind(method))) return [];
  return parts.flatMap((part) => ('list' in part ? part.list.warnings : []));
}

function toPage(method: ListMethod, items: readonly JsonObject[], offset: number, size: number): JsonObject {
  const listed: JsonObject = { [LIST_MEMBERS[method]]: items.slice(offset, offset + size) };
  if (offset + size < items.length) listed['nextCursor'] = toCursor(offset + size);
  return listed;
}

/** Cache hints of an aggregated list: the strictest of its parts, and none when a part is missing. */
function toCacheHintMembers(endpoint: Endpoint, method: ListMethod, parts: readonly Part[]): JsonObject {
  const freshMs = Math.min(...parts.map((part) => ('list' in part ? part.list.freshMs : 0)));
  if (parts.length === 0 || freshMs === 0) return {};
  const isPublic = parts.every((part) => 'list' in part && part.list.isPublic);
  const isForAll = isPublic && endpoint.showsAll(toItemKind(method));
  return { ttlMs: freshMs, cacheScope: isForAll ? 'public' : 'private' };
}

function toWarning(part: { server: ServerDefinition; failed: Failed }): JsonObject {
  const { code, message } = part.failed.error;
  return { server: part.server.slug, code, message };
}

const toCursor = (offset: number): string => Buffer.from(`offset:${offset}`).toString('base64url');

function parseCursor(cursor: JsonValue): number | undefined {
  const text = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : '';
  const known = /^offset:(\d{1,9})$/.exec(text);
  return known ? Number(known[1]) : undefined;
}
