import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { capabilitiesKeyOf } from '../../connections/index.js';
import {
  eraOfRevision,
  isJsonObject,
  isListMethod,
  LIST_CHANGES,
  LIST_FLAGS,
  LIST_MEMBERS,
  toFaultOutcome,
  result,
  RpcCode,
  type JsonObject,
  type ListFlag,
  type ListMethod,
  type Outcome,
} from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { isolationOf, untilAborted } from '../../connections/index.js';
import { Items } from '../../items/index.js';
import type { ServerDefinition } from '../../registry/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { ServerSubscriptions } from '../../subscriptions/index.js';
import { toAuthorizationContext } from './authorization-context.js';
import { CallDelivery, SILENT_SINK, type AddressedRequest } from '../call-delivery.js';
import { ListRepair } from './list-repair.js';
import { LastCallTimes } from './last-call-times.js';
import { SharedRequest } from './shared-request.js';
import type { Inbound } from '../inbound.js';
import { toUncacheableAnswer, toCacheHints, isComplete, type ListAnswer } from './list-answer.js';
import { ListCache, type ListPage } from './list-cache.js';
import { CachedListSubscriptions } from './cached-list-subscriptions.js';
import { ServerProfiles } from '../server-profiles.js';

/** A request with a longer cursor is passed through without caching, because clients choose the length of cache keys. */
const MAX_CACHED_CURSOR_LENGTH = 1_024;
/** A subscribed server is expected to announce the changes that a tool call made within this time after the call. */
const CHANGE_NOTIFICATION_TIMEOUT_MS = 2_000;

/** A request for a page that can be shared with equal requests or answered from the cache. */
interface PageRequest {
  readonly page: ListPage;
  readonly inbound: Inbound;
  readonly addressed: AddressedRequest;
}

/**
 * Fetches pages of lists. A page of a modern server is fetched once for concurrent requests and cached while it is fresh
 * (specification 2026: server/utilities/caching). A change that the server announces invalidates its cached pages at once.
 */
@Injectable()
export class ListFetcher implements OnApplicationShutdown {
  private readonly sharedRequests = new Map<string, SharedRequest>();
  /** Lists whose last result was private: requests of different authorization contexts do not wait for each other. */
  private readonly privateMethods = new WeakMap<ServerDefinition, Set<ListMethod>>();
  private readonly lastCalls: LastCallTimes;
  private readonly stopWatching: () => void;

  constructor(
    private readonly cache: ListCache,
    private readonly subscriptions: CachedListSubscriptions,
    private readonly profiles: ServerProfiles,
    private readonly delivery: CallDelivery,
    private readonly repair: ListRepair,
    serverSubscriptions: ServerSubscriptions,
    private readonly clock: Clock,
    private readonly items: Items,
  ) {
    this.lastCalls = new LastCallTimes(clock);
    this.stopWatching = serverSubscriptions.onListChange((slug, list, reason) => {
      // What was found at last has just been stored.
      if (reason === 'found') return;
      for (const method of LIST_CHANGES[list].lists) this.cache.invalidate(slug, method);
    });
  }

  onApplicationShutdown(): void {
    this.stopWatching();
  }

  /**
   * Returns the requested page, of which every definition may be shown by `Items`. `signal` aborts when the client of this request
   * disconnects.
   */
  async fetchPage(
    inbound: Inbound,
    addressed: AddressedRequest,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<ListAnswer> {
    const answer = await this.fetch(inbound, addressed, sink, signal);
    const kind = LIST_MEMBERS[addressed.request.method as ListMethod];
    const page = answer.outcome.kind === 'result' ? answer.outcome.result[kind] : undefined;
    const preparing = Array.isArray(page) ? this.items.prepare(addressed.server, kind, page) : undefined;
    if (preparing) await preparing;
    return answer;
  }

  private async fetch(
    inbound: Inbound,
    addressed: AddressedRequest,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<ListAnswer> {
    const page = await this.toListPage(inbound, addressed, signal);
    if (signal.aborted) return toUncacheableAnswer(toFaultOutcome('aborted'));
    if (!page) return toUncacheableAnswer(await this.deliver(inbound, addressed, sink, signal));
    // An answer from the cache runs no call in the session, so its idle timeout has to be renewed here.
    await inbound.session?.touch();
    const pageRequest = { page, inbound, addressed };
    const known = this.findCached(pageRequest);
    this.cache.lookups[known ? 'hits' : 'misses'] += 1;
    if (known) return known;
    return wantsProgressOrLogs(addressed)
      ? this.fetchAlone(pageRequest, sink, signal)
      : this.fetchShared(pageRequest, sink, signal);
  }

  /** Returns the next cache sequence number, for `isStale`. */
  nextSequence(): number {
    return this.cache.nextSequence();
  }

  /** True when a list was invalidated after the sequence number was issued. */
  isStale(server: ServerDefinition, list: ListFlag, sequence: number): boolean {
    return LIST_CHANGES[list].lists.some((method) => this.cache.isStale({ server, method }, sequence));
  }

  /** Records that a tool call of the caller ended: lists that were fetched before can be outdated for this caller. */
  recordCall(server: ServerDefinition, { caller }: Pick<Inbound, 'caller'>): void {
    if (this.cache.isEnabled && this.profiles.eraOf(server) === 'modern')
      this.lastCalls.record(server.slug, caller.key, this.cache.nextSequence());
  }

  /** Returns undefined when the request can be neither shared nor cached. */
  private async toListPage(
    inbound: Inbound,
    addressed: AddressedRequest,
    signal: AbortSignal,
  ): Promise<ListPage | undefined> {
    const { caller, client, session } = inbound;
    const { server, request } = addressed;
    const { method, params } = request;
    // Only the owner of a session knows which capabilities its client declared.
    if (!this.cache.isEnabled || !isListMethod(method) || session?.location === 'remote') return undefined;
    if (!hasOnlyCursor(params)) return undefined;
    const detect = () => untilAborted(this.profiles.detectEra(server, inbound), signal).catch(() => undefined);
    const era = this.profiles.eraOf(server, inbound) ?? (await detect());
    // What a server with isolation, or with credentials for each caller, returns belongs to those who share the connection.
    if (era !== 'modern' || isolationOf(server, era) !== 'none' || !this.profiles.isCommon(server, caller))
      return undefined;
    const { cursor } = params;
    const page = { server, method, capabilities: client.capabilities, context: toAuthorizationContext(caller) };
    return typeof cursor === 'string' ? { ...page, cursor } : page;
  }

  private findCached({ page, inbound }: PageRequest): ListAnswer | undefined {
    const known = this.cache.find(page);
    if (!known || !this.isNewerThanLastCall(inbound, page, known.sequence)) return undefined;
    const freshMs = Math.floor(known.expiresAt - this.clock.monotonicNow());
    if (freshMs <= 0) return undefined;
    const { isPublic } = known;
    const outcome = result({ ...known.result, ttlMs: freshMs, cacheScope: isPublic ? 'public' : 'private' });
    return { outcome, freshMs, isPublic, isNew: false };
  }

  /**
   * False for a request that started before the caller's last tool call ended, because the call may have changed the list.
   * A subscription would have announced that change by now, so an older result is current while one is active.
   */
  private isNewerThanLastCall({ caller }: Inbound, { server, method }: ListPage, sequence: number): boolean {
    const call = this.lastCalls.last(server.slug, caller.key);
    if (sequence > call.sequence) return true;
    const flag = toListFlag(method);
    return (
      this.clock.monotonicNow() - call.endedAt > CHANGE_NOTIFICATION_TIMEOUT_MS &&
      flag !== undefined &&
      this.subscriptions.isSubscribed(server, flag)
    );
  }

  /** Sends the request on its own: progress and log messages belong to one client. */
  private async fetchAlone(pageRequest: PageRequest, sink: StreamSink, signal: AbortSignal): Promise<ListAnswer> {
    const sequence = this.cache.nextSequence();
    const outcome = await this.deliver(pageRequest.inbound, pageRequest.addressed, sink, signal);
    this.storeResult(pageRequest, sequence, outcome);
    return this.toListAnswer(pageRequest.page, sequence, outcome);
  }

  private async fetchShared(pageRequest: PageRequest, sink: StreamSink, signal: AbortSignal): Promise<ListAnswer> {
    const publicRequest = this.findSharedRequest(pageRequest, 'own')
      ? undefined
      : this.findSharedRequest(pageRequest, 'any');
    if (publicRequest) {
      const outcome = await publicRequest.wait(signal);
      if (signal.aborted || isPublicResult(outcome))
        return this.toListAnswer(pageRequest.page, publicRequest.sequence, outcome);
    }
    const ownRequest = this.findSharedRequest(pageRequest, 'own');
    const sharedRequest = ownRequest ?? this.startSharedRequest(pageRequest);
    const outcome = await sharedRequest.wait(signal);
    // A result that requires input has to be answered by each client itself, so it is not shared.
    if (outcome.kind === 'result' && !isComplete(outcome)) return this.fetchAlone(pageRequest, sink, signal);
    return { ...this.toListAnswer(pageRequest.page, sharedRequest.sequence, outcome), isNew: !ownRequest };
  }

  /** Returns a request in flight that started after the last invalidation of the list and after the caller's last tool call. */
  private findSharedRequest(pageRequest: PageRequest, scope: SharingScope): SharedRequest | undefined {
    const { page, inbound } = pageRequest;
    if (scope === 'any' && this.privateMethods.get(page.server)?.has(page.method)) return undefined;
    const sharedRequest = this.sharedRequests.get(toSharedRequestKey(pageRequest, scope));
    if (
      !sharedRequest?.isInFlight ||
      sharedRequest.server !== page.server ||
      this.cache.isStale(page, sharedRequest.sequence)
    )
      return undefined;
    return this.isNewerThanLastCall(inbound, page, sharedRequest.sequence) ? sharedRequest : undefined;
  }

  private startSharedRequest(pageRequest: PageRequest): SharedRequest {
    const { page, inbound, addressed } = pageRequest;
    const { session: _session, ...withoutSession } = inbound;
    const keys = [toSharedRequestKey(pageRequest, 'own'), toSharedRequestKey(pageRequest, 'any')];
    const sequence = this.cache.nextSequence();
    const sharedRequest = new SharedRequest(page.server, sequence, async (signal) => {
      const outcome = await this.deliver(
        { ...withoutSession, clientRepeatsCall: true },
        addressed,
        SILENT_SINK,
        signal,
      );
      this.storeResult(pageRequest, sequence, outcome);
      for (const key of keys) if (this.sharedRequests.get(key) === sharedRequest) this.sharedRequests.delete(key);
      return outcome;
    });
    for (const key of keys) this.sharedRequests.set(key, sharedRequest);
    return sharedRequest;
  }

  private async deliver(
    inbound: Inbound,
    addressed: AddressedRequest,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    return this.repair.run(addressed, await this.delivery.deliver(inbound, addressed, sink, signal));
  }

  private storeResult({ page, inbound }: PageRequest, sequence: number, outcome: Outcome): void {
    if (outcome.kind === 'error' && outcome.error.code === RpcCode.invalidParams) this.cache.invalidateCursor(page);
    if (!isComplete(outcome)) return;
    const { freshMs, isPublic } = toCacheHints(outcome.result);
    this.recordPrivacy(page, isPublic);
    if (freshMs === 0) return;
    this.cache.store(page, {
      result: outcome.result,
      isPublic,
      sequence,
      expiresAt: this.clock.monotonicNow() + freshMs,
    });
    this.subscriptions.subscribe(page.server, inbound, freshMs);
  }

  private toListAnswer(page: ListPage, sequence: number, outcome: Outcome): ListAnswer {
    const isFresh = isComplete(outcome) && !this.cache.isStale(page, sequence);
    return isFresh
      ? { outcome, ...toCacheHints(outcome.result), isNew: true }
      : { ...toUncacheableAnswer(outcome), isNew: false };
  }

  private recordPrivacy({ server, method }: ListPage, isPublic: boolean): void {
    const lists = this.privateMethods.get(server) ?? new Set();
    if (isPublic) lists.delete(method);
    else lists.add(method);
    this.privateMethods.set(server, lists);
  }
}

type SharingScope = 'own' | 'any';

/** Equal for requests that can share a result. The era is part of the key because errors are encoded for it. */
function toSharedRequestKey({ page, inbound, addressed }: PageRequest, scope: SharingScope): string {
  const { server, method, cursor, capabilities, context } = page;
  const era = eraOfRevision(inbound.client.revision);
  const isSilent = addressed.silent === true;
  return JSON.stringify([
    server.slug,
    method,
    cursor,
    capabilitiesKeyOf({ capabilities }),
    isSilent,
    era,
    scope === 'own' && context,
  ]);
}

const isPublicResult = (outcome: Outcome): boolean => isComplete(outcome) && toCacheHints(outcome.result).isPublic;

const toListFlag = (method: ListMethod): ListFlag | undefined =>
  LIST_FLAGS.find((flag) => LIST_CHANGES[flag].lists.some((list) => list === method));

const wantsProgressOrLogs = ({ request: { progressToken, logLevel } }: AddressedRequest): boolean =>
  progressToken !== undefined || logLevel !== undefined;

/** Trace context does not affect a list. Any other `_meta` key may, so it makes a request uncacheable. */
const TRACE_KEYS: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);

function hasOnlyCursor({ cursor, _meta: meta, ...rest }: JsonObject): boolean {
  if (Object.keys(rest).length > 0) return false;
  if (cursor !== undefined && (typeof cursor !== 'string' || cursor.length > MAX_CACHED_CURSOR_LENGTH)) return false;
  return meta === undefined || (isJsonObject(meta) && Object.keys(meta).every((key) => TRACE_KEYS.has(key)));
}
