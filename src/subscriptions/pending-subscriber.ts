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
  static create(subscriber: Subscriber): { readonly pending: PendingSubscriber; readonly arrival: Promise<void> } {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    return { pending: new PendingSubscriber(subscriber, resolve, reject), arrival: promise };
  }

  /**
   * Creates one for a subscriber whose subscription was interrupted. Rejecting it makes it look up its subscription
   * again.
   */
  static forDetached(subscriber: Subscriber, onDetached: () => void): PendingSubscriber {
    return new PendingSubscriber(subscriber, () => undefined, onDetached);
  }

  /** True if the subscriber waits after this failure. One that was attached before always waits. */
  shouldRetryAfter(cause: unknown): boolean {
    const { wasAttached, traits } = this.subscriber;
    return wasAttached || (traits.retriesUnreachable && isRetriable(cause));
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
export function splitInHalves(subscribers: readonly PendingSubscriber[]): readonly (readonly PendingSubscriber[])[] {
  const byFilter = new Map<string, PendingSubscriber[]>();
  for (const pending of subscribers) {
    const { lists, resources } = pending.subscriber;
    const filter = JSON.stringify([lists, ...resources]);
    const known = byFilter.get(filter);
    if (known) known.push(pending);
    else byFilter.set(filter, [pending]);
  }
  const groups = [...byFilter.values()];
  if (groups.length < 2) return [];
  const middle = groups.length >> 1;
  return [groups.slice(0, middle).flat(), groups.slice(middle).flat()];
}
