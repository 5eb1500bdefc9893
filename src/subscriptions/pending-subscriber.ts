import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, isJsonObject } from '#lib/mcp-protocol';
import { Backoff } from '../upstream/index.js';
import type { Subscriber } from './subscriber.js';

const MIN_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 30_000;

/** A listener on its way into a feed. */
export class PendingSubscriber {
  /** It has missed what happened meanwhile. */
  hasMissedChanges: boolean;

  private constructor(
    readonly subscriber: Subscriber,
    readonly complete: () => void,
    readonly reject: (cause: unknown) => void,
  ) {
    this.hasMissedChanges = subscriber.wasAttached;
  }

  /** `arrival` is settled once it is known what becomes of it. */
  static create(listener: Subscriber): { readonly guest: PendingSubscriber; readonly arrival: Promise<void> } {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    return { guest: new PendingSubscriber(listener, resolve, reject), arrival: promise };
  }

  /** One that stands still with its feed. It can be refused no more, only sent to look for another feed. */
  static forDetached(listener: Subscriber, onParted: () => void): PendingSubscriber {
    return new PendingSubscriber(listener, () => undefined, onParted);
  }

  /** Whoever was served once is waiting for better times, whatever the server says. */
  shouldRetryAfter(cause: unknown): boolean {
    const { wasAttached: wasServed, traits } = this.subscriber;
    return wasServed || (traits.retriesUnreachable && isRetriable(cause));
  }
}

/** False for a refusal: to ask again would change nothing. */
export function isRetriable(cause: unknown): boolean {
  if (!(cause instanceof GatewayError)) return false;
  return cause.code === GatewayCode.outcomeUnknown || (isJsonObject(cause.data) && cause.data['retriable'] === true);
}

/** How long to wait between attempts at a server that is away. */
export class RetryDelays {
  private readonly backoff = new Backoff(MIN_RETRY_DELAY_MS, MAX_RETRY_DELAY_MS);

  /** Those that were interrupted together do not all come back at the same moment. */
  next(): number {
    return this.backoff.next() * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.backoff.reset();
  }
}

/** Those who want the same stay together. None for guests who all want the same. */
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
