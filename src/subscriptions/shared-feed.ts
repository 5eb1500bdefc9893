import { OutcomeError } from '#lib/extension-kit';
import { listFlagOf, type ListFlag, type McpNotification } from '#lib/mcp-protocol';
import type { HeldConnection, UpstreamFace } from '../session-pool/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import type { FeedHome, FeedListener, ListenerTraits } from './feed.js';
import { Guest, halvesOf, mayComeBack, Pauses } from './guests.js';
import { Subscription } from './subscription.js';
import { EntitlementChanged, FeedFull, TooManyRefusals } from './subscriptions.errors.js';
import { Want } from './want.js';

/** A list changed, or it was subscribed to again and may have changed before. */
export type ListNews = 'changed' | 'heard anew';

/** Connections and callbacks of a shared subscription. */
export interface FeedMeans {
  /** Identifies the clients that may share it (`UpstreamPool.sharingKeyOf`). Undefined if no other client may. */
  readonly entitlement: string | undefined;
  /** Holds a connection to the server under its current definition. Rejects with a GatewayError. */
  hold(face: UpstreamFace): Promise<HeldConnection>;
  /** Called when a subscriber is attached. */
  onServed(listener: FeedListener): void;
  onListChange: (list: ListFlag, why: ListNews) => void;
  /** Called once for each interruption. */
  onInterruption(cause: unknown): void;
  /** Called when an attached subscriber may no longer share this subscription. */
  onParted(listener: FeedListener): void;
  /** Called when no subscriber is left. */
  onOver(): void;
}

/** Time for which a subscription may include resources that no subscriber requests any more, in milliseconds. */
const TIDY_MS = 10_000;
/** Maximum number of bisections to identify the subscribers that a server rejects. Any that remain are rejected too. */
const MOST_TRIALS = 64;
/** Maximum size of one subscription, over all its subscribers. */
const MOST_RESOURCES = 10_000;
const MOST_CHARACTERS = 4 * 1_048_576;
/** A principal may use at most this fraction (1/n) of the maximum size, to leave room for the others. */
const SHARES = 4;

/**
 * One subscription at one server for all subscribers that may share it. It requests their merged filter and is enlarged
 * when a subscriber requests more: the new subscription is open before the old one ends. It lasts as long as it has
 * subscribers, over several connections if necessary; after an interruption each subscriber is notified that everything
 * it requested may have changed.
 */
export class SharedFeed implements FeedHome {
  private readonly served = new Set<FeedListener>();
  /** Subscribers that the server cannot serve now. */
  private readonly waiting = new Map<FeedListener, Guest>();
  private arrivals: Guest[] = [];
  /** Pending subscribers for which the subscription is being enlarged. */
  private readonly expected = new Set<Guest>();
  /** Subscribers of the subscription that is being opened. Its first changes may arrive before they are attached. */
  private entering: readonly FeedListener[] = [];
  private asking: Want | undefined;
  /** Undefined while interrupted. */
  private current: Subscription | undefined;
  private latest: Subscription | undefined;
  private isBusy = false;
  private isRetryDue = false;
  private isTooWide = false;
  private retry: NodeJS.Timeout | undefined;
  private tidying: NodeJS.Timeout | undefined;
  private readonly pauses = new Pauses();

  constructor(private readonly means: FeedMeans) {}

  /**
   * Resolves once the subscriber is attached. Rejects with a GatewayError if the server rejects it or, unless the
   * subscriber retries, cannot be reached, and with SharingChanged if the subscriber must join another shared
   * subscription.
   */
  join(listener: FeedListener): Promise<void> {
    listener.approach(this);
    const { guest, arrival } = Guest.joining(listener);
    if (this.isCovered(listener)) this.welcome(guest);
    else this.arrivals.push(guest);
    void this.settle();
    return arrival;
  }

  leave(listener: FeedListener): void {
    const guest = this.waiting.get(listener);
    if (guest) this.dismiss(guest);
    this.served.delete(listener);
    this.endUnused();
    if (this.current && listener.resources.size > 0) this.narrow(listener);
  }

  isServing(listener: FeedListener): boolean {
    return this.served.has(listener);
  }

  grantedTo(listener: FeedListener): ChangeFilter {
    return this.latest?.grantedTo(listener) ?? {};
  }

  private isCovered(listener: FeedListener): boolean {
    // The subscription that is being opened will replace the current one.
    const isKept = this.asking === undefined || this.asking.includes(listener);
    return isKept && this.current?.covers(listener) === true;
  }

  private async settle(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    // Simultaneous joins become one enlargement.
    await Promise.resolve();
    while (this.arrivals.length > 0 || this.isRetryDue || this.isTooWide) await this.admit();
    this.isBusy = false;
    this.endUnused();
  }

  private async admit(): Promise<void> {
    const isWaitedFor = this.isRetryDue || !this.current;
    const guests = [...(isWaitedFor ? this.waiting.values() : []), ...this.arrivals];
    const isTooWide = this.isTooWide && this.served.size > 0 && this.current?.isTooWideFor(this.served) === true;
    this.arrivals = [];
    this.isRetryDue = false;
    this.isTooWide = false;
    const uncovered: Guest[] = [];
    for (const guest of guests) {
      if (guest.listener.isClosed) this.dismiss(guest);
      else if (this.isCovered(guest.listener)) this.welcome(guest);
      else uncovered.push(guest);
    }
    for (const guest of uncovered) this.expected.add(guest);
    if (uncovered.length > 0 || isTooWide) await this.enlargeFor(uncovered, { left: MOST_TRIALS });
  }

  /**
   * Rejects only the subscribers that the server rejects. Bisection of the pending ones identifies them (invariant 2).
   */
  private async enlargeFor(guests: readonly Guest[], trials: { left: number }): Promise<void> {
    try {
      await this.open(guests);
    } catch (cause) {
      if (cause instanceof EntitlementChanged) return this.part(guests, cause);
      if (mayComeBack(cause) || cause instanceof FeedFull) return this.refuse(guests, cause);
      const halves = halvesOf(guests);
      if (halves.length === 0) return this.refuseAlike(guests, cause);
      // The server's error concerns one of several subscribers and must not be disclosed to the others.
      if (trials.left <= 0) return this.refuse(guests, new TooManyRefusals(serverOf(guests)));
      trials.left -= 1;
      for (const half of halves) await this.enlargeFor(half, trials);
    }
  }

  private refuse(guests: readonly Guest[], cause: unknown): void {
    for (const guest of guests) this.turnAway(guest, cause);
  }

  /**
   * Rejects subscribers with equal filters, with the error that the server returns for them alone. If the server
   * accepts them alone, it rejects a part that it granted to others before: then all subscribers become pending.
   */
  private async refuseAlike(guests: readonly Guest[], cause: unknown): Promise<void> {
    if (guests.length === 0) return;
    const own = this.served.size > 0 ? await this.refusalAlone(guests) : cause;
    if (own !== undefined) return this.refuse(guests, own);
    this.current?.end();
    this.current = undefined;
    for (const guest of this.unseatAll()) this.wait(guest);
    for (const guest of guests) this.expected.delete(guest);
    this.arrivals.push(...guests);
  }

  private async refusalAlone(guests: readonly Guest[]): Promise<unknown> {
    try {
      const alone = await this.subscribe(guests.map(({ listener }) => listener));
      alone.end();
      return undefined;
    } catch (cause) {
      return cause;
    } finally {
      this.asking = undefined;
    }
  }

  private async open(guests: readonly Guest[]): Promise<void> {
    this.entering = guests.map(({ listener }) => listener);
    try {
      const next = await this.subscribe([...this.served, ...this.entering]);
      const before = this.current;
      this.current = next;
      this.latest = next;
      before?.end();
      for (const flag of next.listsBeyond(before)) this.means.onListChange(flag, 'heard anew');
      for (const guest of guests) this.welcome(guest);
      if (this.waiting.size === 0) this.pauses.reset();
      next.onClosed(() => this.interrupted(next));
    } finally {
      this.entering = [];
      this.asking = undefined;
    }
  }

  private async subscribe(listeners: readonly FeedListener[]): Promise<Subscription> {
    const asked = new Want(listeners);
    const { filter } = asked;
    const { server, face } = speakerOf(listeners);
    demandRoom(filter, server, MOST_RESOURCES, MOST_CHARACTERS);
    for (const own of wantsByPrincipal(listeners))
      demandRoom(own.filter, server, MOST_RESOURCES / SHARES, MOST_CHARACTERS / SHARES);
    this.asking = asked;
    const held = await this.means.hold(face);
    try {
      if (held.entitlement !== this.means.entitlement) throw new EntitlementChanged(server);
      const listening = await held.connection.listen(filter, (change) => this.tell(change));
      return new Subscription(held, listening, asked);
    } catch (cause) {
      held.release();
      throw cause;
    }
  }

  private welcome(guest: Guest): void {
    const { listener } = guest;
    if (listener.isClosed) return this.dismiss(guest);
    const refusal = this.latest?.refusalOf(listener);
    if (refusal) return this.turnAway(guest, new OutcomeError(refusal));
    this.served.add(listener);
    listener.enter();
    this.means.onServed(listener);
    if (guest.hasWaited) listener.tellOfEverything();
    this.dismiss(guest);
  }

  private turnAway(guest: Guest, cause: unknown): void {
    if (guest.listener.isClosed) return this.dismiss(guest);
    this.expected.delete(guest);
    this.waiting.delete(guest.listener);
    if (!guest.waitsAfter(cause)) return guest.refuse(cause);
    if (this.waiting.size === 0 && !guest.hasWaited) this.means.onInterruption(cause);
    this.wait(guest);
  }

  /** Settles a pending subscriber, which is attached or closed. */
  private dismiss(guest: Guest): void {
    this.expected.delete(guest);
    this.waiting.delete(guest.listener);
    guest.enter();
  }

  private wait(guest: Guest): void {
    guest.hasWaited = true;
    this.waiting.set(guest.listener, guest);
    if (this.retry) return;
    this.retry = setTimeout(() => {
      this.retry = undefined;
      this.isRetryDue = true;
      void this.settle();
    }, this.pauses.next()).unref();
  }

  private interrupted(ended: Subscription): void {
    if (this.current !== ended) return;
    this.current = undefined;
    ended.end();
    if (this.served.size > 0) this.means.onInterruption('connection closed');
    for (const guest of this.unseatAll()) this.wait(guest);
  }

  /** The server changed: which of the subscribers may share its connection now is unknown here. */
  private part(guests: readonly Guest[], cause: EntitlementChanged): void {
    const all = new Set([...guests, ...this.unseatAll(), ...this.waiting.values(), ...this.arrivals]);
    this.expected.clear();
    this.waiting.clear();
    this.arrivals = [];
    for (const guest of all) guest.refuse(cause);
  }

  private unseatAll(): Guest[] {
    const guests = [...this.served].map((listener) => Guest.ofServed(listener, () => this.means.onParted(listener)));
    this.served.clear();
    return guests;
  }

  private tell(change: McpNotification): void {
    const list = listFlagOf(change.method);
    if (list) this.means.onListChange(list, 'changed');
    for (const listener of [...this.served, ...this.entering]) listener.hear(change);
  }

  /**
   * Narrows the subscription after a delay, to save requests while subscribers come and go; for a single session at
   * once.
   */
  private narrow({ traits: { face } }: FeedListener): void {
    const isAlone = face.session && [...this.served].every(({ traits }) => traits.face.session === face.session);
    const narrow = () => {
      this.tidying = undefined;
      this.isTooWide = true;
      void this.settle();
    };
    if (isAlone) narrow();
    else this.tidying ??= setTimeout(narrow, TIDY_MS).unref();
  }

  private endUnused(): void {
    if (this.served.size + this.waiting.size + this.arrivals.length + this.expected.size > 0) return;
    clearTimeout(this.retry);
    clearTimeout(this.tidying);
    this.retry = undefined;
    this.tidying = undefined;
    this.current?.end();
    this.current = undefined;
    this.means.onOver();
  }
}

const serverOf = ([guest]: readonly Guest[]): string => guest?.listener.traits.server ?? '';

/** Returns the client on whose behalf the connection is held. Any of them will do, because all may share it. */
function speakerOf(listeners: readonly FeedListener[]): ListenerTraits {
  const [first] = listeners;
  if (!first) throw new Error('A subscription needs at least one subscriber.');
  return (listeners.find(({ traits }) => !traits.face.session?.ended) ?? first).traits;
}

function wantsByPrincipal(listeners: readonly FeedListener[]): Want[] {
  const groups = Map.groupBy(listeners, ({ traits }) => traits.face.caller.key);
  return groups.size > 1 ? Array.from(groups.values(), (own) => new Want(own)) : [];
}

/** @throws FeedFull */
function demandRoom(
  { resourceSubscriptions: uris = [] }: ChangeFilter,
  server: string,
  mostResources: number,
  mostCharacters: number,
): void {
  let characters = 0;
  for (const uri of uris) characters += uri.length;
  if (uris.length > mostResources || characters > mostCharacters) throw new FeedFull(server, mostResources);
}
