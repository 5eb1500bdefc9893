import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, isJsonObject } from '#lib/mcp-protocol';
import { Backoff } from '../upstream/index.js';
import type { FeedListener } from './feed.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** A listener on its way into a feed. */
export class Guest {
  /** It has missed what happened meanwhile. */
  hasWaited: boolean;

  private constructor(
    readonly listener: FeedListener,
    readonly enter: () => void,
    readonly refuse: (cause: unknown) => void,
  ) {
    this.hasWaited = listener.wasServed;
  }

  /** `arrival` is settled once it is known what becomes of it. */
  static joining(listener: FeedListener): { readonly guest: Guest; readonly arrival: Promise<void> } {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    return { guest: new Guest(listener, resolve, reject), arrival: promise };
  }

  /** One that stands still with its feed. It can be refused no more, only sent to look for another feed. */
  static ofServed(listener: FeedListener, onParted: () => void): Guest {
    return new Guest(listener, () => undefined, onParted);
  }

  /** Whoever was served once is waiting for better times, whatever the server says. */
  waitsAfter(cause: unknown): boolean {
    const { wasServed, traits } = this.listener;
    return wasServed || (traits.isPatient && mayComeBack(cause));
  }
}

/** False for a refusal: to ask again would change nothing. */
export function mayComeBack(cause: unknown): boolean {
  if (!(cause instanceof GatewayError)) return false;
  return cause.code === GatewayCode.outcomeUnknown || (isJsonObject(cause.data) && cause.data['retriable'] === true);
}

/** How long to wait between attempts at a server that is away. */
export class Pauses {
  private readonly backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);

  /** Those that were interrupted together do not all come back at the same moment. */
  next(): number {
    return this.backoff.next() * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.backoff.reset();
  }
}

/** Those who want the same stay together. None for guests who all want the same. */
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
