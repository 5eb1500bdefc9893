import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, isJsonObject } from '#lib/mcp-protocol';
import { Backoff } from '../upstream/index.js';
import type { Subscriber } from './subscriber.js';

const MIN_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 30_000;

/** A subscriber that is not attached to a shared subscription yet. */
export class PendingSubscriber {
  /** True if changes may have been missed while the subscriber waited. */
  hasMissedChanges: boolean;

  private constructor(
    readonly subscriber: Subscriber,
    readonly complete: () => void,
    readonly reject: (cause: unknown) => void,
  ) {
    this.hasMissedChanges = subscriber.wasAttached;
  }

  /** Creates one for a new subscriber. `arrival` settles once the subscriber is attached, rejected or closed. */
  static create(listener: Subscriber): { readonly guest: PendingSubscriber; readonly arrival: Promise<void> } {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    return { guest: new PendingSubscriber(listener, resolve, reject), arrival: promise };
  }

  /**
   * Creates one for a subscriber whose subscription was interrupted. Rejecting it makes it look up its subscription
   * again.
   */
  static forDetached(listener: Subscriber, onParted: () => void): PendingSubscriber {
    return new PendingSubscriber(listener, () => undefined, onParted);
  }

  /** True if the subscriber waits after this failure. One that was attached before always waits. */
  shouldRetryAfter(cause: unknown): boolean {
    const { wasAttached: wasServed, traits } = this.subscriber;
    return wasServed || (traits.retriesUnreachable && isRetriable(cause));
  }
}

/** False for a rejection by the server, which a retry would not change. */
export function isRetriable(cause: unknown): boolean {
  if (!(cause instanceof GatewayError)) return false;
  return cause.code === GatewayCode.outcomeUnknown || (isJsonObject(cause.data) && cause.data['retriable'] === true);
}

/** Delays between attempts to reach a server. */
export class RetryDelays {
  private readonly backoff = new Backoff(MIN_RETRY_DELAY_MS, MAX_RETRY_DELAY_MS);

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
export function splitInHalves(guests: readonly PendingSubscriber[]): readonly (readonly PendingSubscriber[])[] {
  const alike = new Map<string, PendingSubscriber[]>();
  for (const guest of guests) {
    const { lists, resources } = guest.subscriber;
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
