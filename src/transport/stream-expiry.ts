import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { Clock } from '#lib/time';

const TICK_MS = 1_000;
const NO_EXPIRY = (): void => undefined;

/**
 * Notifies streams when the token of the request that opened them expires. One timer serves all streams: they wait in one set
 * for each second, and the timer runs only while there are any. There are at most as many entries as open streams.
 */
@Injectable()
export class StreamExpiry implements OnApplicationShutdown {
  private readonly logger = new Logger('StreamExpiry');
  /** By the second since the Unix epoch in which the tokens are expired. */
  private readonly expiring = new Map<number, Set<() => void>>();
  private cancelTick: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  /**
   * Calls the listener once, at most about a second after the caller's token is refused for new requests. Never calls it for a
   * caller without a token. Returns a function that unsubscribes.
   */
  onExpired({ acceptedUntilMs }: Caller, listener: () => void): () => void {
    if (acceptedUntilMs === undefined) return NO_EXPIRY;
    const second = Math.ceil(acceptedUntilMs / 1_000);
    const listeners = this.expiring.get(second) ?? new Set();
    this.expiring.set(second, listeners);
    // A function of its own, because the same listener may be registered twice.
    const entry = () => listener();
    listeners.add(entry);
    this.cancelTick ??= this.clock.every(TICK_MS, () => this.notifyExpired());
    return () => {
      listeners.delete(entry);
      if (listeners.size === 0 && this.expiring.get(second) === listeners) this.expiring.delete(second);
      this.stopIfUnused();
    };
  }

  onApplicationShutdown(): void {
    this.expiring.clear();
    this.stopIfUnused();
  }

  private notifyExpired(): void {
    // The wall clock, because it decides whether a token is refused, and it may jump.
    const now = this.clock.now() / 1_000;
    for (const [second, listeners] of this.expiring) {
      if (second > now) continue;
      this.expiring.delete(second);
      for (const listener of listeners) this.notify(listener);
    }
    this.stopIfUnused();
  }

  /** A stream that fails must not keep the others open, whose tokens have expired as well. */
  private notify(listener: () => void): void {
    try {
      listener();
    } catch (fault) {
      this.logger.error('A stream failed to end when its token expired.', fault);
    }
  }

  private stopIfUnused(): void {
    if (this.expiring.size > 0) return;
    this.cancelTick?.();
    this.cancelTick = undefined;
  }
}
