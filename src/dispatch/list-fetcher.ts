import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  eraOfRevision,
  isJsonObject,
  isListMethod,
  LIST_CHANGES,
  LIST_FLAGS,
  outcomeOfFault,
  result,
  RpcCode,
  type JsonObject,
  type ListFlag,
  type ListMethod,
  type Outcome,
} from '#lib/mcp-protocol';
import { ListCache, type ListPage } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { StreamSink } from '../session-pool/index.js';
import { ChangeFeeds } from '../subscriptions/index.js';
import { toAuthorizationContext } from './authorization-context.js';
import { CallDelivery, SILENT_SINK, type AddressedRequest } from './call-delivery.js';
import { LastCallTimes } from './last-call-times.js';
import { SharedRequest } from './shared-request.js';
import type { Inbound } from './inbound.js';
import { toUncacheableAnswer, toCacheHints, isComplete, type ListAnswer } from './list-answer.js';
import { CachedListSubscriptions } from './cached-list-subscriptions.js';
import { ServerProfiles } from './server-profiles.js';

/** Longer cursors are passed on, not remembered. */
const MAX_CACHED_CURSOR_LENGTH = 1_024;
/** Within this time after a call a server has told of what that changed, if it tells of changes. */
const CHANGE_NOTIFICATION_TIMEOUT_MS = 2_000;

/** A question that others may have asked, or may be asking, in the same words. */
interface PageRequest {
  readonly page: ListPage;
  readonly inbound: Inbound;
  readonly addressed: AddressedRequest;
}

/**
 * Asks modern servers for pages of their lists: each once for all who ask at the same moment, and not again while the
 * answer is fresh (specification 2026: server/utilities/caching). What changes is forgotten at once, as far as the server
 * tells of it.
 */
@Injectable()
export class ListFetcher implements OnApplicationShutdown {
  private readonly sharedRequests = new Map<string, SharedRequest>();
  /** Lists that are another one for each authorization context: nobody waits for what is meant for others. */
  private readonly privateMethods = new WeakMap<ServerDefinition, Set<ListMethod>>();
  private readonly lastCalls = new LastCallTimes();
  private readonly stopWatching: () => void;

  constructor(
    private readonly cache: ListCache,
    private readonly subscriptions: CachedListSubscriptions,
    private readonly profiles: ServerProfiles,
    private readonly delivery: CallDelivery,
    feeds: ChangeFeeds,
  ) {
    this.stopWatching = feeds.onListChange((slug, list) => {
      for (const method of LIST_CHANGES[list].lists) this.cache.invalidate(slug, method);
    });
  }

  onApplicationShutdown(): void {
    this.stopWatching();
  }

  /** The page that a request asks for. The signal is that of the request's own client. */
  async fetchPage(inbound: Inbound, to: AddressedRequest, sink: StreamSink, signal: AbortSignal): Promise<ListAnswer> {
    const page = await this.toListPage(inbound, to);
    if (!page) return toUncacheableAnswer(await this.delivery.deliver(inbound, to, sink, signal));
    // It lives on although nothing is run in it.
    await inbound.session?.touch();
    const question = { page, inbound, addressed: to };
    const known = this.findCached(question);
    if (known) return known;
    if (signal.aborted) return toUncacheableAnswer(outcomeOfFault('aborted'));
    return wantsProgressOrLogs(to) ? this.fetchAlone(question, sink, signal) : this.fetchShared(question, sink, signal);
  }

  /** Marks a moment, for `isStale`. */
  nextSequence(): number {
    return this.cache.nextSequence();
  }

  /** True when a list has changed since then, as far as is known. */
  isStale(server: ServerDefinition, list: ListFlag, mark: number): boolean {
    return LIST_CHANGES[list].lists.some((method) => this.cache.isStale({ server, method }, mark));
  }

  /** A tool was called. The caller expects to see in the lists what that changed. */
  recordCall(server: ServerDefinition, { caller }: Pick<Inbound, 'caller'>): void {
    if (this.cache.isEnabled && this.profiles.eraOf(server) === 'modern')
      this.lastCalls.record(server.slug, caller.key, this.cache.nextSequence());
  }

  /** Undefined where nothing may be shared or remembered. */
  private async toListPage(inbound: Inbound, to: AddressedRequest): Promise<ListPage | undefined> {
    const { caller, client, session } = inbound;
    const { server, request } = to;
    const { method, params } = request;
    // Of a client whose session lives elsewhere it is not known here what it declares.
    if (!this.cache.isEnabled || !isListMethod(method) || session?.location === 'elsewhere') return undefined;
    if (!hasOnlyCursor(params)) return undefined;
    const era = this.profiles.eraOf(server) ?? (await this.profiles.learnEra(server, inbound).catch(() => undefined));
    if (era !== 'modern') return undefined;
    const { cursor } = params;
    const page = { server, method, capabilities: client.capabilities, context: toAuthorizationContext(caller) };
    return typeof cursor === 'string' ? { ...page, cursor } : page;
  }

  private findCached({ page, inbound }: PageRequest): ListAnswer | undefined {
    const known = this.cache.find(page);
    if (!known || !this.isNewerThanLastCall(inbound, page, known.sequence)) return undefined;
    const freshMs = Math.floor(known.expiresAt - performance.now());
    if (freshMs <= 0) return undefined;
    const { isPublic } = known;
    const outcome = result({ ...known.result, ttlMs: freshMs, cacheScope: isPublic ? 'public' : 'private' });
    return { outcome, freshMs, isPublic, isNew: false };
  }

  /**
   * False for what was asked for before the caller's last call ended: the call may have changed the list. Where the change
   * would have been heard by now, it is not what it looks like.
   */
  private isNewerThanLastCall({ caller }: Inbound, { server, method }: ListPage, mark: number): boolean {
    const call = this.lastCalls.last(server.slug, caller.key);
    if (mark > call.sequence) return true;
    const flag = toListFlag(method);
    return (
      performance.now() - call.endedAt > CHANGE_NOTIFICATION_TIMEOUT_MS &&
      flag !== undefined &&
      this.subscriptions.isSubscribed(server, flag)
    );
  }

  /** A request that hears something on the way has a way of its own. */
  private async fetchAlone(question: PageRequest, sink: StreamSink, signal: AbortSignal): Promise<ListAnswer> {
    const mark = this.cache.nextSequence();
    const outcome = await this.delivery.deliver(question.inbound, question.addressed, sink, signal);
    this.storeResult(question, mark, outcome);
    return this.toListAnswer(question.page, mark, outcome);
  }

  private async fetchShared(question: PageRequest, sink: StreamSink, signal: AbortSignal): Promise<ListAnswer> {
    const others = this.findSharedRequest(question, 'own') ? undefined : this.findSharedRequest(question, 'anybody');
    if (others) {
      const outcome = await others.wait(signal);
      if (signal.aborted || isPublicResult(outcome)) return this.toListAnswer(question.page, others.sequence, outcome);
    }
    const own = this.findSharedRequest(question, 'own');
    const flight = own ?? this.startSharedRequest(question);
    const outcome = await flight.wait(signal);
    // Questions of the server to the client are for each of them to answer.
    if (outcome.kind === 'result' && !isComplete(outcome)) return this.fetchAlone(question, sink, signal);
    return { ...this.toListAnswer(question.page, flight.sequence, outcome), isNew: !own };
  }

  /** A flight that may bring what is asked for: it began after the list changed, and after the caller's last call. */
  private findSharedRequest(question: PageRequest, whose: SharingScope): SharedRequest | undefined {
    const { page, inbound } = question;
    if (whose === 'anybody' && this.privateMethods.get(page.server)?.has(page.method)) return undefined;
    const flight = this.sharedRequests.get(toSharedRequestKey(question, whose));
    if (!flight?.isInFlight || flight.server !== page.server || this.cache.isStale(page, flight.sequence))
      return undefined;
    return this.isNewerThanLastCall(inbound, page, flight.sequence) ? flight : undefined;
  }

  private startSharedRequest(question: PageRequest): SharedRequest {
    const { page, inbound, addressed: to } = question;
    const { session: _session, ...alone } = inbound;
    const keys = [toSharedRequestKey(question, 'own'), toSharedRequestKey(question, 'anybody')];
    const mark = this.cache.nextSequence();
    const flight = new SharedRequest(page.server, mark, async (signal) => {
      const outcome = await this.delivery.deliver({ ...alone, repeatsItself: true }, to, SILENT_SINK, signal);
      this.storeResult(question, mark, outcome);
      for (const key of keys) if (this.sharedRequests.get(key) === flight) this.sharedRequests.delete(key);
      return outcome;
    });
    for (const key of keys) this.sharedRequests.set(key, flight);
    return flight;
  }

  private storeResult({ page, inbound }: PageRequest, mark: number, outcome: Outcome): void {
    if (outcome.kind === 'error' && outcome.error.code === RpcCode.invalidParams) this.cache.invalidateCursor(page);
    if (!isComplete(outcome)) return;
    const { freshMs, isPublic } = toCacheHints(outcome.result);
    this.recordPrivacy(page, isPublic);
    if (freshMs === 0) return;
    this.cache.store(page, {
      result: outcome.result,
      isPublic,
      sequence: mark,
      expiresAt: performance.now() + freshMs,
    });
    this.subscriptions.subscribe(page.server, inbound, freshMs);
  }

  private toListAnswer(page: ListPage, mark: number, outcome: Outcome): ListAnswer {
    const isFresh = isComplete(outcome) && !this.cache.isStale(page, mark);
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

type SharingScope = 'own' | 'anybody';

/** What makes two requests the same. Errors are told in the words of the client's era. */
function toSharedRequestKey({ page, inbound, addressed: to }: PageRequest, whose: SharingScope): string {
  const { server, method, cursor, capabilities, context } = page;
  const era = eraOfRevision(inbound.client.revision);
  const isSilent = to.silent === true;
  return JSON.stringify([server.slug, method, cursor, capabilities, isSilent, era, whose === 'own' && context]);
}

const isPublicResult = (outcome: Outcome): boolean => isComplete(outcome) && toCacheHints(outcome.result).isPublic;

const toListFlag = (method: ListMethod): ListFlag | undefined =>
  LIST_FLAGS.find((flag) => LIST_CHANGES[flag].lists.some((list) => list === method));

const wantsProgressOrLogs = ({ request: { progressToken, logLevel } }: AddressedRequest): boolean =>
  progressToken !== undefined || logLevel !== undefined;

/** Trace context is nobody's list. What a server makes of anything else, only the server knows. */
const TRACE_KEYS: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);

function hasOnlyCursor({ cursor, _meta: meta, ...rest }: JsonObject): boolean {
  if (Object.keys(rest).length > 0) return false;
  if (cursor !== undefined && (typeof cursor !== 'string' || cursor.length > MAX_CACHED_CURSOR_LENGTH)) return false;
  return meta === undefined || (isJsonObject(meta) && Object.keys(meta).every((key) => TRACE_KEYS.has(key)));
}
