import { OutcomeError } from '#lib/extension-kit';
import { toListFlag, type ListFlag, type McpNotification } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { isNotRun, type HeldConnection, type ConnectionScope } from '../connections/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import type { SubscriberGroup, Subscriber, SubscriberTraits } from './subscriber.js';
import { PendingSubscriber, splitInHalves, isRetriable, RetryDelays } from './pending-subscriber.js';
import { MergedSubscription } from './merged-subscription.js';
import { SharingChanged, SubscriptionLimitReached, TooManyRefusals } from './subscriptions.errors.js';
import { MergedFilter } from './merged-filter.js';

/** A list changed, or it was subscribed to again and may have changed before. */
export type ListChangeReason = 'changed' | 'resubscribed' | 'found';

/** Connections and callbacks of a shared subscription. */
export interface SharedSubscriptionContext {
  readonly clock: Clock;
  /** Identifies the clients that may share it (`UpstreamPool.sharingKeyOf`). Undefined if no other client may. */
  readonly sharingKey: string | undefined;
  /** Holds a connection to the server under its current definition. Rejects with a GatewayError. */
  hold(scope: ConnectionScope): Promise<HeldConnection>;
  /** Called when a subscriber is attached. */
  onAttached(subscriber: Subscriber): void;
  onListChange: (list: ListFlag, reason: ListChangeReason) => void;
  /** Called once for each interruption. */
  onInterruption(cause: unknown): void;
  /** Called when an attached subscriber may no longer share this subscription. */
  onDetached(subscriber: Subscriber): void;
  /** Called when no subscriber is left. */
  onEmpty(): void;
}

/** Time for which a subscription may include resources that no subscriber requests any more, in milliseconds. */
const NARROW_DELAY_MS = 10_000;
/** Maximum number of bisections to identify the subscribers that a server rejects. Any that remain are rejected too. */
const MAX_BISECTIONS = 64;
/** Maximum size of one subscription, over all its subscribers. */
const MAX_RESOURCES = 10_000;
const MAX_URI_CHARACTERS = 4 * 1_048_576;
/** A principal may use at most this fraction (1/n) of the maximum size, to leave room for the others. */
const PRINCIPAL_SHARES = 4;

/**
 * One subscription at one server for all subscribers that may share it. It requests their merged filter and is enlarged
 * when a subscriber requests more: the new subscription is open before the old one ends. It lasts as long as it has
 * subscribers, over several connections if necessary; after an interruption each subscriber is notified that everything
 * it requested may have changed.
 */
export class SharedSubscription implements SubscriberGroup {
  private readonly attached = new Set<Subscriber>();
  /** Subscribers that the server cannot serve now. */
  private readonly waiting = new Map<Subscriber, PendingSubscriber>();
  private arrivals: PendingSubscriber[] = [];
  /** Pending subscribers for which the subscription is being enlarged. */
  private readonly enlargingFor = new Set<PendingSubscriber>();
  /** Subscribers of the subscription that is being opened. Its first changes may arrive before they are attached. */
  private openingSubscribers: readonly Subscriber[] = [];
  private openingFilter: MergedFilter | undefined;
  /** Undefined while interrupted. */
  private current: MergedSubscription | undefined;
  private latest: MergedSubscription | undefined;
  private processing: Promise<void> | undefined;
  /** Settles when the subscription that was replaced or ended last is removed at the server. */
  private ending: Promise<void> | undefined;
  private isRetryDue = false;
  private needsNarrowing = false;
  private cancelRetry: (() => void) | undefined;
  private cancelNarrow: (() => void) | undefined;
  private readonly retryDelays = new RetryDelays();

  constructor(private readonly context: SharedSubscriptionContext) {}

  /**
   * Resolves once the subscriber is attached. Rejects with a GatewayError if the server rejects it or, unless the
   * subscriber retries, cannot be reached, and with SharingChanged if the subscriber must join another shared
   * subscription.
   */
  join(subscriber: Subscriber): Promise<void> {
    subscriber.setGroup(this);
    const { pending, arrival } = PendingSubscriber.create(subscriber);
    if (this.isCovered(subscriber)) this.attach(pending);
    else this.arrivals.push(pending);
    void this.processQueue();
    return arrival;
  }

  async detach(subscriber: Subscriber): Promise<void> {
    const pending = this.waiting.get(subscriber);
    if (pending) this.complete(pending);
    this.attached.delete(subscriber);
    this.endIfUnused();
    if (this.current && subscriber.resources.size > 0) await this.scheduleNarrowing(subscriber);
    if (subscriber.traits.scope.session) await this.ending;
  }

  isAttached(subscriber: Subscriber): boolean {
    return this.attached.has(subscriber);
  }

  grantedFor(subscriber: Subscriber): ChangeFilter {
    return this.latest?.grantedFor(subscriber) ?? {};
  }

  private isCovered(subscriber: Subscriber): boolean {
    // The subscription that is being opened will replace the current one.
    const isFinal = this.openingFilter === undefined || this.openingFilter.includes(subscriber);
    return isFinal && this.current?.covers(subscriber) === true;
  }

  private processQueue(): Promise<void> {
    this.processing ??= this.processAll();
    return this.processing;
  }

  private async processAll(): Promise<void> {
    // Simultaneous joins become one enlargement.
    await Promise.resolve();
    while (this.arrivals.length > 0 || this.isRetryDue || this.needsNarrowing) await this.processPending();
    this.processing = undefined;
    this.endIfUnused();
  }

  private async processPending(): Promise<void> {
    const includesWaiting = this.isRetryDue || !this.current;
    const pendingSubscribers = [...(includesWaiting ? this.waiting.values() : []), ...this.arrivals];
    const mustNarrow = this.needsNarrowing && this.attached.size > 0 && this.current?.exceeds(this.attached) === true;
    this.arrivals = [];
    this.isRetryDue = false;
    this.needsNarrowing = false;
    const uncovered: PendingSubscriber[] = [];
    for (const pending of pendingSubscribers) {
      if (pending.subscriber.isClosed) this.complete(pending);
      else if (this.isCovered(pending.subscriber)) this.attach(pending);
      else uncovered.push(pending);
    }
    for (const pending of uncovered) this.enlargingFor.add(pending);
    if (uncovered.length > 0 || mustNarrow) await this.enlargeFor(uncovered, { left: MAX_BISECTIONS });
  }

  /**
   * Rejects only the subscribers that the server rejects. Bisection of the pending ones identifies them (invariant 2).
   */
  private async enlargeFor(
    pendingSubscribers: readonly PendingSubscriber[],
    bisections: { left: number },
  ): Promise<void> {
    try {
      await this.open(pendingSubscribers);
    } catch (cause) {
      if (cause instanceof SharingChanged) return this.rejectForSharingChange(pendingSubscribers, cause);
      if (isRetriable(cause) || cause instanceof SubscriptionLimitReached)
        return this.rejectAll(pendingSubscribers, cause);
      const halves = splitInHalves(pendingSubscribers);
      if (halves.length === 0) return this.rejectIdentical(pendingSubscribers, cause);
      // The server's error concerns one of several subscribers and must not be disclosed to the others.
      if (bisections.left <= 0)
        return this.rejectAll(pendingSubscribers, new TooManyRefusals(serverOf(pendingSubscribers)));
      bisections.left -= 1;
      for (const half of halves) await this.enlargeFor(half, bisections);
    }
  }

  private rejectAll(pendingSubscribers: readonly PendingSubscriber[], cause: unknown): void {
    for (const pending of pendingSubscribers) this.reject(pending, cause);
  }

  /**
   * Rejects subscribers with equal filters, with the error that the server returns for them alone. If the server
   * accepts them alone, it rejects a part that it granted to others before: then all subscribers become pending.
   */
  private async rejectIdentical(pendingSubscribers: readonly PendingSubscriber[], cause: unknown): Promise<void> {
    if (pendingSubscribers.length === 0) return;
    const own = this.attached.size > 0 ? await this.probeRefusal(pendingSubscribers) : cause;
    if (own !== undefined) return this.rejectAll(pendingSubscribers, own);
    void this.current?.end();
    this.current = undefined;
    for (const pending of this.detachAll()) this.scheduleRetry(pending);
    for (const pending of pendingSubscribers) this.enlargingFor.delete(pending);
    this.arrivals.push(...pendingSubscribers);
  }

  private async probeRefusal(pendingSubscribers: readonly PendingSubscriber[]): Promise<unknown> {
    try {
      const probe = await this.subscribe(pendingSubscribers.map(({ subscriber }) => subscriber));
      void probe.end();
      return undefined;
    } catch (cause) {
      return cause;
    } finally {
      this.openingFilter = undefined;
    }
  }

  private async open(pendingSubscribers: readonly PendingSubscriber[]): Promise<void> {
    this.openingSubscribers = pendingSubscribers.map(({ subscriber }) => subscriber);
    try {
      const next = await this.subscribe([...this.attached, ...this.openingSubscribers]);
      const before = this.current;
      this.current = next;
      this.latest = next;
      this.ending = before?.end();
      for (const flag of next.addedLists(before)) this.context.onListChange(flag, 'resubscribed');
      for (const pending of pendingSubscribers) this.attach(pending);
      if (this.waiting.size === 0) this.retryDelays.reset();
      next.onClosed(() => this.onInterrupted(next));
    } finally {
      this.openingSubscribers = [];
      this.openingFilter = undefined;
    }
  }

  private async subscribe(subscribers: readonly Subscriber[]): Promise<MergedSubscription> {
    const merged = new MergedFilter(subscribers);
    const { filter } = merged;
    const traits = representative(subscribers);
    const { server } = traits;
    assertWithinLimits(filter, server, MAX_RESOURCES, MAX_URI_CHARACTERS);
    for (const own of filtersByPrincipal(subscribers))
      assertWithinLimits(own.filter, server, MAX_RESOURCES / PRINCIPAL_SHARES, MAX_URI_CHARACTERS / PRINCIPAL_SHARES);
    this.openingFilter = merged;
    const subscribe = () => this.subscribeOnce(traits, merged);
    // A server that was restarted knows none of its sessions.
    return subscribe().catch((cause: unknown) => {
      if (cause instanceof OutcomeError && isNotRun(cause.outcome)) return subscribe();
      throw cause;
    });
  }

  private async subscribeOnce({ server, scope }: SubscriberTraits, merged: MergedFilter): Promise<MergedSubscription> {
    const held = await this.context.hold(scope);
    try {
      if (held.sharingKey !== this.context.sharingKey) throw new SharingChanged(server);
      const listening = await held.connection.subscribe(merged.filter, (change) => this.distribute(change));
      return new MergedSubscription(held, listening, merged);
    } catch (cause) {
      held.release();
      throw cause;
    }
  }

  private attach(pending: PendingSubscriber): void {
    const { subscriber } = pending;
    if (subscriber.isClosed) return this.complete(pending);
    const refusal = this.latest?.refusalOf(subscriber);
    if (refusal) return this.reject(pending, new OutcomeError(refusal));
    this.attached.add(subscriber);
    subscriber.onAttached();
    this.context.onAttached(subscriber);
    if (pending.hasMissedChanges) subscriber.notifyAllChanged();
    this.complete(pending);
  }

  private reject(pending: PendingSubscriber, cause: unknown): void {
    if (pending.subscriber.isClosed) return this.complete(pending);
    this.enlargingFor.delete(pending);
    this.waiting.delete(pending.subscriber);
    if (!pending.shouldRetryAfter(cause)) return pending.reject(cause);
    if (this.waiting.size === 0 && !pending.hasMissedChanges) this.context.onInterruption(cause);
    this.scheduleRetry(pending);
  }

  /** Settles a pending subscriber, which is attached or closed. */
  private complete(pending: PendingSubscriber): void {
    this.enlargingFor.delete(pending);
    this.waiting.delete(pending.subscriber);
    pending.complete();
  }

  private scheduleRetry(pending: PendingSubscriber): void {
    pending.hasMissedChanges = true;
    this.waiting.set(pending.subscriber, pending);
    if (this.cancelRetry) return;
    this.cancelRetry = this.context.clock.after(this.retryDelays.next(), () => {
      this.cancelRetry = undefined;
      this.isRetryDue = true;
      void this.processQueue();
    });
  }

  private onInterrupted(ended: MergedSubscription): void {
    if (this.current !== ended) return;
    this.current = undefined;
    void ended.end();
    if (this.attached.size > 0) this.context.onInterruption('connection closed');
    for (const pending of this.detachAll()) this.scheduleRetry(pending);
  }

  /** The server changed: which of the subscribers may share its connection now is unknown here. */
  private rejectForSharingChange(pendingSubscribers: readonly PendingSubscriber[], cause: SharingChanged): void {
    const all = new Set([...pendingSubscribers, ...this.detachAll(), ...this.waiting.values(), ...this.arrivals]);
    this.enlargingFor.clear();
    this.waiting.clear();
    this.arrivals = [];
    for (const pending of all) pending.reject(cause);
  }

  private detachAll(): PendingSubscriber[] {
    const pendingSubscribers = [...this.attached].map((subscriber) =>
      PendingSubscriber.forDetached(subscriber, () => this.context.onDetached(subscriber)),
    );
    this.attached.clear();
    return pendingSubscribers;
  }

  private distribute(change: McpNotification): void {
    const list = toListFlag(change.method);
    if (list) this.context.onListChange(list, 'changed');
    for (const subscriber of [...this.attached, ...this.openingSubscribers]) subscriber.receive(change);
  }

  /**
   * Narrows the subscription after a delay, to save requests while subscribers come and go; for a single session at
   * once.
   */
  private async scheduleNarrowing({ traits: { scope } }: Subscriber): Promise<void> {
    const isSingleSession =
      scope.session && [...this.attached].every(({ traits }) => traits.scope.session === scope.session);
    const narrow = () => {
      this.cancelNarrow = undefined;
      this.needsNarrowing = true;
      return this.processQueue();
    };
    if (isSingleSession) await narrow();
    else this.cancelNarrow ??= this.context.clock.after(NARROW_DELAY_MS, () => void narrow());
  }

  private endIfUnused(): void {
    if (this.attached.size + this.waiting.size + this.arrivals.length + this.enlargingFor.size > 0) return;
    this.cancelRetry?.();
    this.cancelNarrow?.();
    this.cancelRetry = undefined;
    this.cancelNarrow = undefined;
    this.ending = this.current?.end() ?? this.ending;
    this.current = undefined;
    this.context.onEmpty();
  }
}

const serverOf = ([pending]: readonly PendingSubscriber[]): string => pending?.subscriber.traits.server ?? '';

/** Returns the client on whose behalf the connection is held. Any of them will do, because all may share it. */
function representative(subscribers: readonly Subscriber[]): SubscriberTraits {
  const [first] = subscribers;
  if (!first) throw new Error('A subscription needs at least one subscriber.');
  return (subscribers.find(({ traits }) => !traits.scope.session?.isEnded) ?? first).traits;
}

function filtersByPrincipal(subscribers: readonly Subscriber[]): MergedFilter[] {
  const groups = Map.groupBy(subscribers, ({ traits }) => traits.scope.caller.key);
  return groups.size > 1 ? Array.from(groups.values(), (own) => new MergedFilter(own)) : [];
}

/** @throws SubscriptionLimitReached */
function assertWithinLimits(
  { resourceSubscriptions: uris = [] }: ChangeFilter,
  server: string,
  maxResources: number,
  maxCharacters: number,
): void {
  let characters = 0;
  for (const uri of uris) characters += uri.length;
  if (uris.length > maxResources || characters > maxCharacters)
    throw new SubscriptionLimitReached(server, maxResources);
}
