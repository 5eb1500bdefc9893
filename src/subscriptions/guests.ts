import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, isJsonObject } from '#lib/mcp-protocol';
import { Backoff } from '../upstream/index.js';
import type { FeedListener } from './feed.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** A subscriber that is not attached to a shared subscription yet. */
export class Guest {
  /** True if changes may have been missed while the subscriber waited. */
  hasWaited: boolean;

  private constructor(
    readonly listener: FeedListener,
    readonly enter: () => void,
    readonly refuse: (cause: unknown) => void,
  ) {
    this.hasWaited = listener.wasServed;
  }

  /** Creates one for a new subscriber. `arrival` settles once the subscriber is attached, rejected or closed. */
  static joining(listener: FeedListener): { readonly guest: Guest; readonly arrival: Promise<void> } {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    return { guest: new Guest(listener, resolve, reject), arrival: promise };
  }

  /**
   * Creates one for a subscriber whose subscription was interrupted. Rejecting it makes it look up its subscription
   * again.
   */
  static ofServed(listener: FeedListener, onParted: () => void): Guest {
    return new Guest(listener, () => undefined, onParted);
  }

  /** True if the subscriber waits after this failure. One that was attached before always waits. */
  waitsAfter(cause: unknown): boolean {
    const { wasServed, traits } = this.listener;
    return wasServed || (traits.isPatient && mayComeBack(cause));
  }
}

/** False for a rejection by the server, which a retry would not change. */
export function mayComeBack(cause: unknown): boolean {
  if (!(cause instanceof GatewayError)) return false;
  return cause.code === GatewayCode.outcomeUnknown || (isJsonObject(cause.data) && cause.data['retriable'] === true);
}

/** Delays between attempts to reach a server. */
export class Pauses {
  private readonly backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);

  /**
   * Returns the next delay in milliseconds, with jitter: subscribers interrupted together must not retry
   * simultaneously.
   */
  next(): number {
    return this.backoff.next() * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.backoff.reset();
  }
}

/** Splits by filter into two halves; equal filters stay together. Returns no halves if all filters are equal. */
export function halvesOf(guests: readonly Guest[]): readonly (readonly Guest[])[] {
  const alike = new Map<string, Guest[]>();
  for (const guest of guests) {
    const { lists, resources } = guest.listener;
    const want = JSON.stringify([lists, ...resources]);
    const known = alike.get(want);
    if (known) known.push(guest);
    else alike.set(want, [guest]);
  }
  const groups = [...alike.values()];
  if (groups.length < 2) return [];
  const middle = groups.length >> 1;
  return [groups.slice(0, middle).flat(), groups.slice(middle).flat()];
}
