import { OutcomeError } from '#lib/extension-kit';
import { listFlagOf, type ListFlag, type McpNotification } from '#lib/mcp-protocol';
import type { HeldConnection, ConnectionScope } from '../connections/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import type { SubscriberGroup, Subscriber, SubscriberTraits } from './subscriber.js';
import { PendingSubscriber, splitInHalves, isRetriable, RetryDelays } from './pending-subscriber.js';
import { MergedSubscription } from './merged-subscription.js';
import { SharingChanged, SubscriptionLimitReached, TooManyRefusals } from './subscriptions.errors.js';
import { MergedFilter } from './merged-filter.js';

/** A list changed; or it is listened to anew, and may have changed before. */
export type ListChangeReason = 'changed' | 'heard anew';

/** What a feed needs of the world around it. */
export interface SharedSubscriptionContext {
  /** Who may share it, as the pool of connections tells. Undefined: nobody. */
  readonly sharingKey: string | undefined;
  /** A connection to the server as it is configured now. Rejects with a GatewayError. */
  hold(face: ConnectionScope): Promise<HeldConnection>;
  /** The listener is served from now on. */
  onAttached(listener: Subscriber): void;
  onListChange: (list: ListFlag, why: ListChangeReason) => void;
  /** The feed stands still. Called once for each time. */
  onInterruption(cause: unknown): void;
  /** The listener may not be served together with the others any more. */
  onDetached(listener: Subscriber): void;
  /** Nobody is left. */
  onEmpty(): void;
}

/** For so long a server may tell of resources that nobody wants to hear of any more. */
const NARROW_DELAY_MS = 10_000;
/** How often it is tried whom of several newcomers a server refuses. Whoever is not told apart by then is refused too. */
const MAX_BISECTIONS = 64;
/** What one subscription may ask a server for, on behalf of all its listeners. */
const MAX_RESOURCES = 10_000;
const MAX_URI_CHARACTERS = 4 * 1_048_576;
/** And of that no principal has more than one part of so many, or there would be no room for the others. */
const PRINCIPAL_SHARES = 4;

/**
 * One subscription at one server for all listeners who may share it. It asks for what they want together, and grows when
 * one joins who wants more: the new subscription is open before the old one ends. It lasts as long as anybody listens,
 * over as many connections as that takes; whoever was there then hears that all may have changed.
 */
export class SharedSubscription implements SubscriberGroup {
  private readonly attached = new Set<Subscriber>();
  /** Those whom the server cannot serve now. */
  private readonly waiting = new Map<Subscriber, PendingSubscriber>();
  private arrivals: PendingSubscriber[] = [];
  /** Those for whom it is being enlarged. */
  private readonly enlargingFor = new Set<PendingSubscriber>();
  /** Those who are part of a subscription that is being opened: it may tell them something at once. */
  private openingSubscribers: readonly Subscriber[] = [];
  private openingFilter: MergedFilter | undefined;
  /** Undefined while the feed stands still. */
  private current: MergedSubscription | undefined;
  private latest: MergedSubscription | undefined;
  private isProcessing = false;
  private isRetryDue = false;
  private needsNarrowing = false;
  private retryTimer: NodeJS.Timeout | undefined;
  private narrowTimer: NodeJS.Timeout | undefined;
  private readonly retryDelays = new RetryDelays();

  constructor(private readonly context: SharedSubscriptionContext) {}

  /**
   * Resolves once the listener is served. Rejects with a GatewayError when the server refuses or, unless the listener is
   * patient, cannot be reached; with SharingChanged when it has to look for another feed.
   */
  join(listener: Subscriber): Promise<void> {
    listener.setGroup(this);
    const { guest, arrival } = PendingSubscriber.create(listener);
    if (this.isCovered(listener)) this.attach(guest);
    else this.arrivals.push(guest);
    void this.processQueue();
    return arrival;
  }

  detach(listener: Subscriber): void {
    const guest = this.waiting.get(listener);
    if (guest) this.complete(guest);
    this.attached.delete(listener);
    this.endIfUnused();
    if (this.current && listener.resources.size > 0) this.scheduleNarrowing(listener);
  }

  isAttached(listener: Subscriber): boolean {
    return this.attached.has(listener);
  }

  grantedFor(listener: Subscriber): ChangeFilter {
    return this.latest?.grantedFor(listener) ?? {};
  }

  private isCovered(listener: Subscriber): boolean {
    // What is being opened takes the place of what is there.
    const isKept = this.openingFilter === undefined || this.openingFilter.includes(listener);
    return isKept && this.current?.covers(listener) === true;
  }

  private async processQueue(): Promise<void> {
    if (this.isProcessing) return;
    this.isProcessing = true;
    // Joins of one moment are one enlargement.
    await Promise.resolve();
    while (this.arrivals.length > 0 || this.isRetryDue || this.needsNarrowing) await this.processPending();
    this.isProcessing = false;
    this.endIfUnused();
  }

  private async processPending(): Promise<void> {
    const isWaitedFor = this.isRetryDue || !this.current;
    const guests = [...(isWaitedFor ? this.waiting.values() : []), ...this.arrivals];
    const isTooWide = this.needsNarrowing && this.attached.size > 0 && this.current?.exceeds(this.attached) === true;
    this.arrivals = [];
    this.isRetryDue = false;
    this.needsNarrowing = false;
    const uncovered: PendingSubscriber[] = [];
    for (const guest of guests) {
      if (guest.subscriber.isClosed) this.complete(guest);
      else if (this.isCovered(guest.subscriber)) this.attach(guest);
      else uncovered.push(guest);
    }
    for (const guest of uncovered) this.enlargingFor.add(guest);
    if (uncovered.length > 0 || isTooWide) await this.enlargeFor(uncovered, { left: MAX_BISECTIONS });
  }

  /** A refusal costs only those whom the server refuses: they are found by trying the halves of the others. */
  private async enlargeFor(guests: readonly PendingSubscriber[], trials: { left: number }): Promise<void> {
    try {
      await this.open(guests);
    } catch (cause) {
      if (cause instanceof SharingChanged) return this.rejectForSharingChange(guests, cause);
      if (isRetriable(cause) || cause instanceof SubscriptionLimitReached) return this.rejectAll(guests, cause);
      const halves = splitInHalves(guests);
      if (halves.length === 0) return this.rejectIdentical(guests, cause);
      // What the server says of one of several is not told to the others.
      if (trials.left <= 0) return this.rejectAll(guests, new TooManyRefusals(serverOf(guests)));
      trials.left -= 1;
      for (const half of halves) await this.enlargeFor(half, trials);
    }
  }

  private rejectAll(guests: readonly PendingSubscriber[], cause: unknown): void {
    for (const guest of guests) this.reject(guest, cause);
  }

  /**
   * Those who want the same are refused in the server's own words to them alone. Where it does not refuse them alone, it
   * refuses what it granted others before: then all are newcomers.
   */
  private async rejectIdentical(guests: readonly PendingSubscriber[], cause: unknown): Promise<void> {
    if (guests.length === 0) return;
    const own = this.attached.size > 0 ? await this.probeRefusal(guests) : cause;
    if (own !== undefined) return this.rejectAll(guests, own);
    this.current?.end();
    this.current = undefined;
    for (const guest of this.detachAll()) this.scheduleRetry(guest);
    for (const guest of guests) this.enlargingFor.delete(guest);
    this.arrivals.push(...guests);
  }

  private async probeRefusal(guests: readonly PendingSubscriber[]): Promise<unknown> {
    try {
      const alone = await this.subscribe(guests.map(({ subscriber: listener }) => listener));
      alone.end();
      return undefined;
    } catch (cause) {
      return cause;
    } finally {
      this.openingFilter = undefined;
    }
  }

  private async open(guests: readonly PendingSubscriber[]): Promise<void> {
    this.openingSubscribers = guests.map(({ subscriber: listener }) => listener);
    try {
      const next = await this.subscribe([...this.attached, ...this.openingSubscribers]);
      const before = this.current;
      this.current = next;
      this.latest = next;
      before?.end();
      for (const flag of next.addedLists(before)) this.context.onListChange(flag, 'heard anew');
      for (const guest of guests) this.attach(guest);
      if (this.waiting.size === 0) this.retryDelays.reset();
      next.onClosed(() => this.onInterrupted(next));
    } finally {
      this.openingSubscribers = [];
      this.openingFilter = undefined;
    }
  }

  private async subscribe(listeners: readonly Subscriber[]): Promise<MergedSubscription> {
    const asked = new MergedFilter(listeners);
    const { filter } = asked;
    const { server, scope: face } = representative(listeners);
    assertWithinLimits(filter, server, MAX_RESOURCES, MAX_URI_CHARACTERS);
    for (const own of filtersByPrincipal(listeners))
      assertWithinLimits(own.filter, server, MAX_RESOURCES / PRINCIPAL_SHARES, MAX_URI_CHARACTERS / PRINCIPAL_SHARES);
    this.openingFilter = asked;
    const held = await this.context.hold(face);
    try {
      if (held.sharingKey !== this.context.sharingKey) throw new SharingChanged(server);
      const listening = await held.connection.subscribe(filter, (change) => this.distribute(change));
      return new MergedSubscription(held, listening, asked);
    } catch (cause) {
      held.release();
      throw cause;
    }
  }

  private attach(guest: PendingSubscriber): void {
    const { subscriber: listener } = guest;
    if (listener.isClosed) return this.complete(guest);
    const refusal = this.latest?.refusalOf(listener);
    if (refusal) return this.reject(guest, new OutcomeError(refusal));
    this.attached.add(listener);
    listener.onAttached();
    this.context.onAttached(listener);
    if (guest.hasMissedChanges) listener.notifyAllChanged();
    this.complete(guest);
  }

  private reject(guest: PendingSubscriber, cause: unknown): void {
    if (guest.subscriber.isClosed) return this.complete(guest);
    this.enlargingFor.delete(guest);
    this.waiting.delete(guest.subscriber);
    if (!guest.shouldRetryAfter(cause)) return guest.reject(cause);
    if (this.waiting.size === 0 && !guest.hasMissedChanges) this.context.onInterruption(cause);
    this.scheduleRetry(guest);
  }

  /** It waits for nothing here any more. */
  private complete(guest: PendingSubscriber): void {
    this.enlargingFor.delete(guest);
    this.waiting.delete(guest.subscriber);
    guest.complete();
  }

  private scheduleRetry(guest: PendingSubscriber): void {
    guest.hasMissedChanges = true;
    this.waiting.set(guest.subscriber, guest);
    if (this.retryTimer) return;
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined;
      this.isRetryDue = true;
      void this.processQueue();
    }, this.retryDelays.next()).unref();
  }

  private onInterrupted(ended: MergedSubscription): void {
    if (this.current !== ended) return;
    this.current = undefined;
    ended.end();
    if (this.attached.size > 0) this.context.onInterruption('connection closed');
    for (const guest of this.detachAll()) this.scheduleRetry(guest);
  }

  /** The server is another one than it was: whoever may share what is had of it now is not known here. */
  private rejectForSharingChange(guests: readonly PendingSubscriber[], cause: SharingChanged): void {
    const all = new Set([...guests, ...this.detachAll(), ...this.waiting.values(), ...this.arrivals]);
    this.enlargingFor.clear();
    this.waiting.clear();
    this.arrivals = [];
    for (const guest of all) guest.reject(cause);
  }

  private detachAll(): PendingSubscriber[] {
    const guests = [...this.attached].map((listener) =>
      PendingSubscriber.forDetached(listener, () => this.context.onDetached(listener)),
    );
    this.attached.clear();
    return guests;
  }

  private distribute(change: McpNotification): void {
    const list = listFlagOf(change.method);
    if (list) this.context.onListChange(list, 'changed');
    for (const listener of [...this.attached, ...this.openingSubscribers]) listener.receive(change);
  }

  /** Where others come and go, the server is not bothered for each; a session that is alone may expect it at once. */
  private scheduleNarrowing({ traits: { scope: face } }: Subscriber): void {
    const isAlone = face.session && [...this.attached].every(({ traits }) => traits.scope.session === face.session);
    const narrow = () => {
      this.narrowTimer = undefined;
      this.needsNarrowing = true;
      void this.processQueue();
    };
    if (isAlone) narrow();
    else this.narrowTimer ??= setTimeout(narrow, NARROW_DELAY_MS).unref();
  }

  private endIfUnused(): void {
    if (this.attached.size + this.waiting.size + this.arrivals.length + this.enlargingFor.size > 0) return;
    clearTimeout(this.retryTimer);
    clearTimeout(this.narrowTimer);
    this.retryTimer = undefined;
    this.narrowTimer = undefined;
    this.current?.end();
    this.current = undefined;
    this.context.onEmpty();
  }
}

const serverOf = ([guest]: readonly PendingSubscriber[]): string => guest?.subscriber.traits.server ?? '';

/** On whose behalf the server is spoken to: all may share what is had of it, so any of them will do. */
function representative(listeners: readonly Subscriber[]): SubscriberTraits {
  const [first] = listeners;
  if (!first) throw new Error('A subscription is opened for somebody.');
  return (listeners.find(({ traits }) => !traits.scope.session?.isEnded) ?? first).traits;
}

function filtersByPrincipal(listeners: readonly Subscriber[]): MergedFilter[] {
  const groups = Map.groupBy(listeners, ({ traits }) => traits.scope.caller.key);
  return groups.size > 1 ? Array.from(groups.values(), (own) => new MergedFilter(own)) : [];
}

/** @throws SubscriptionLimitReached */
function assertWithinLimits(
  { resourceSubscriptions: uris = [] }: ChangeFilter,
  server: string,
  mostResources: number,
  mostCharacters: number,
): void {
  let characters = 0;
  for (const uri of uris) characters += uri.length;
  if (uris.length > mostResources || characters > mostCharacters)
    throw new SubscriptionLimitReached(server, mostResources);
}
