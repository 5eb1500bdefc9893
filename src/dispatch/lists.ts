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
import { contextOf } from './authorization-context.js';
import { CallDelivery, SILENT_SINK, type Addressed } from './call-delivery.js';
import { CallMarks } from './call-marks.js';
import { Flight } from './flight.js';
import type { Inbound } from './inbound.js';
import { asItIs, hintsOf, isComplete, type ListAnswer } from './list-answer.js';
import { ListFollowers } from './list-followers.js';
import { ServerProfiles } from './server-profiles.js';

/** A request with a longer cursor is passed through without caching, because clients choose the length of cache keys. */
const LONGEST_CURSOR = 1_024;
/** A subscribed server is expected to announce the changes that a tool call made within this time after the call. */
const TOLD_WITHIN_MS = 2_000;

/** A request for a page that can be shared with equal requests or answered from the cache. */
interface Question {
  readonly page: ListPage;
  readonly inbound: Inbound;
  readonly to: Addressed;
}

/**
 * Fetches pages of lists. A page of a modern server is fetched once for concurrent requests and cached while it is fresh
 * (specification 2026: server/utilities/caching). A change that the server announces invalidates its cached pages at once.
 */
@Injectable()
export class Lists implements OnApplicationShutdown {
  private readonly flights = new Map<string, Flight>();
  /** Lists whose last result was private: requests of different authorization contexts do not wait for each other. */
  private readonly privateLists = new WeakMap<ServerDefinition, Set<ListMethod>>();
  private readonly calls = new CallMarks();
  private readonly stopListening: () => void;

  constructor(
    private readonly cache: ListCache,
    private readonly followers: ListFollowers,
    private readonly profiles: ServerProfiles,
    private readonly delivery: CallDelivery,
    feeds: ChangeFeeds,
  ) {
    this.stopListening = feeds.onListChange((slug, list) => {
      for (const method of LIST_CHANGES[list].lists) this.cache.forget(slug, method);
    });
  }

  onApplicationShutdown(): void {
    this.stopListening();
  }

  /** Returns the requested page. `signal` aborts when the client of this request disconnects. */
  async ask(inbound: Inbound, to: Addressed, sink: StreamSink, signal: AbortSignal): Promise<ListAnswer> {
    const page = await this.pageOf(inbound, to);
    if (!page) return asItIs(await this.delivery.deliver(inbound, to, sink, signal));
    // An answer from the cache runs no call in the session, so its idle timeout has to be renewed here.
    await inbound.session?.touch();
    const pageRequest = { page, inbound, to };
    const known = this.known(pageRequest);
    if (known) return known;
    if (signal.aborted) return asItIs(outcomeOfFault('aborted'));
    return wantsToHear(to) ? this.askAlone(pageRequest, sink, signal) : this.askTogether(pageRequest, sink, signal);
  }

  /** Returns the next cache sequence number, for `isStale`. */
  begin(): number {
    return this.cache.begin();
  }

  /** True when a list was invalidated after the sequence number was issued. */
  isStale(server: ServerDefinition, list: ListFlag, mark: number): boolean {
    return LIST_CHANGES[list].lists.some((method) => this.cache.isStale({ server, method }, mark));
  }

  /** Records that a tool call of the caller ended: lists that were fetched before can be outdated for this caller. */
  called(server: ServerDefinition, { caller }: Pick<Inbound, 'caller'>): void {
    if (this.cache.isOn && this.profiles.eraOf(server) === 'modern')
      this.calls.note(server.slug, caller.key, this.cache.begin());
  }

  /** Returns undefined when the request can be neither shared nor cached. */
  private async pageOf({ caller, client, session }: Inbound, to: Addressed): Promise<ListPage | undefined> {
    const { server, request } = to;
    const { method, params } = request;
    // Only the owner of a session knows which capabilities its client declared.
    if (!this.cache.isOn || !isListMethod(method) || session?.place === 'elsewhere') return undefined;
    if (!saysNothingElse(params)) return undefined;
    const era = this.profiles.eraOf(server) ?? (await this.profiles.learnEra(server).catch(() => undefined));
    if (era !== 'modern') return undefined;
    const { cursor } = params;
    const page = { server, method, capabilities: client.capabilities, context: contextOf(caller) };
    return typeof cursor === 'string' ? { ...page, cursor } : page;
  }

  private known({ page, inbound }: Question): ListAnswer | undefined {
    const known = this.cache.find(page);
    if (!known || !this.isRecentFor(inbound, page, known.mark)) return undefined;
    const freshMs = Math.floor(known.freshUntil - performance.now());
    if (freshMs <= 0) return undefined;
    const { isPublic } = known;
    const outcome = result({ ...known.result, ttlMs: freshMs, cacheScope: isPublic ? 'public' : 'private' });
    return { outcome, freshMs, isPublic, isNew: false };
  }

  /**
   * False for a request that started before the caller's last tool call ended, because the call may have changed the list.
   * A subscription would have announced that change by now, so an older result is current while one is active.
   */
  private isRecentFor({ caller }: Inbound, { server, method }: ListPage, mark: number): boolean {
    const call = this.calls.last(server.slug, caller.key);
    if (mark > call.mark) return true;
    const flag = flagOf(method);
    return performance.now() - call.at > TOLD_WITHIN_MS && flag !== undefined && this.followers.hears(server, flag);
  }

  /** Sends the request on its own: progress and log messages belong to one client. */
  private async askAlone(pageRequest: Question, sink: StreamSink, signal: AbortSignal): Promise<ListAnswer> {
    const mark = this.cache.begin();
    const outcome = await this.delivery.deliver(pageRequest.inbound, pageRequest.to, sink, signal);
    this.remember(pageRequest, mark, outcome);
    return this.answer(pageRequest.page, mark, outcome);
  }

  private async askTogether(pageRequest: Question, sink: StreamSink, signal: AbortSignal): Promise<ListAnswer> {
    const others = this.flightOf(pageRequest, 'own') ? undefined : this.flightOf(pageRequest, 'anybody');
    if (others) {
      const outcome = await others.wait(signal);
      if (signal.aborted || isForAll(outcome)) return this.answer(pageRequest.page, others.mark, outcome);
    }
    const own = this.flightOf(pageRequest, 'own');
    const flight = own ?? this.start(pageRequest);
    const outcome = await flight.wait(signal);
    // A result that requires input has to be answered by each client itself, so it is not shared.
    if (outcome.kind === 'result' && !isComplete(outcome)) return this.askAlone(pageRequest, sink, signal);
    return { ...this.answer(pageRequest.page, flight.mark, outcome), isNew: !own };
  }

  /** Returns a request in flight that started after the last invalidation of the list and after the caller's last tool call. */
  private flightOf(pageRequest: Question, whose: Whose): Flight | undefined {
    const { page, inbound } = pageRequest;
    if (whose === 'anybody' && this.privateLists.get(page.server)?.has(page.method)) return undefined;
    const flight = this.flights.get(flightKey(pageRequest, whose));
    if (!flight?.isUnderWay || flight.server !== page.server || this.cache.isStale(page, flight.mark)) return undefined;
    return this.isRecentFor(inbound, page, flight.mark) ? flight : undefined;
  }

  private start(pageRequest: Question): Flight {
    const { page, inbound, to } = pageRequest;
    const { session: _session, ...alone } = inbound;
    const keys = [flightKey(pageRequest, 'own'), flightKey(pageRequest, 'anybody')];
    const mark = this.cache.begin();
    const flight = new Flight(page.server, mark, async (signal) => {
      const outcome = await this.delivery.deliver({ ...alone, repeatsItself: true }, to, SILENT_SINK, signal);
      this.remember(pageRequest, mark, outcome);
      for (const key of keys) if (this.flights.get(key) === flight) this.flights.delete(key);
      return outcome;
    });
    for (const key of keys) this.flights.set(key, flight);
    return flight;
  }

  private remember({ page, inbound }: Question, mark: number, outcome: Outcome): void {
    if (outcome.kind === 'error' && outcome.error.code === RpcCode.invalidParams) this.cache.cursorFailed(page);
    if (!isComplete(outcome)) return;
    const { freshMs, isPublic } = hintsOf(outcome.result);
    this.notePrivacy(page, isPublic);
    if (freshMs === 0) return;
    this.cache.keep(page, { result: outcome.result, isPublic, mark, freshUntil: performance.now() + freshMs });
    this.followers.follow(page.server, inbound, freshMs);
  }

  private answer(page: ListPage, mark: number, outcome: Outcome): ListAnswer {
    const isFresh = isComplete(outcome) && !this.cache.isStale(page, mark);
    return isFresh ? { outcome, ...hintsOf(outcome.result), isNew: true } : { ...asItIs(outcome), isNew: false };
  }

  private notePrivacy({ server, method }: ListPage, isPublic: boolean): void {
    const lists = this.privateLists.get(server) ?? new Set();
    if (isPublic) lists.delete(method);
    else lists.add(method);
    this.privateLists.set(server, lists);
  }
}

type Whose = 'own' | 'anybody';

/** Equal for requests that can share a result. The era is part of the key because errors are encoded for it. */
function flightKey({ page, inbound, to }: Question, whose: Whose): string {
  const { server, method, cursor, capabilities, context } = page;
  const era = eraOfRevision(inbound.client.revision);
  const isSilent = to.silent === true;
  return JSON.stringify([server.slug, method, cursor, capabilities, isSilent, era, whose === 'own' && context]);
}

const isForAll = (outcome: Outcome): boolean => isComplete(outcome) && hintsOf(outcome.result).isPublic;

const flagOf = (method: ListMethod): ListFlag | undefined =>
  LIST_FLAGS.find((flag) => LIST_CHANGES[flag].lists.some((list) => list === method));

const wantsToHear = ({ request: { progressToken, logLevel } }: Addressed): boolean =>
  progressToken !== undefined || logLevel !== undefined;

/** Trace context does not affect a list. Any other `_meta` key may, so it makes a request uncacheable. */
const TRACE_KEYS: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);

function saysNothingElse({ cursor, _meta: meta, ...rest }: JsonObject): boolean {
  if (Object.keys(rest).length > 0) return false;
  if (cursor !== undefined && (typeof cursor !== 'string' || cursor.length > LONGEST_CURSOR)) return false;
  return meta === undefined || (isJsonObject(meta) && Object.keys(meta).every((key) => TRACE_KEYS.has(key)));
}
