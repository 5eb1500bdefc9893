import { Logger } from '@nestjs/common';
import { redisScript, type RedisCommands, type RedisKeys } from '#lib/redis';
import type { Clock } from '#lib/time';
import { Counters, type Allowance, type Refusal } from './counters.js';

/** Leases expire because a dead worker cannot release them. */
const LEASE_TTL_MS = 60_000;
const RENEW_INTERVAL_MS = 20_000;
/** Delay before an unresponsive Redis is used again, because a call may have several counters. */
const REDIS_RETRY_DELAY_MS = 1_000;

const ADMIT = redisScript('admit', 2, { state: true });
const RENEW_LEASES = redisScript('renew-leases', 1, { state: true });

/**
 * Counts the calls of all workers in Redis. While Redis is unavailable each worker counts on its own, so that calls continue and
 * a limit is effectively multiplied by the number of workers (invariant 1).
 */
export class RedisCounters extends Counters {
  private readonly logger = new Logger('Limits');
  /** Leases of calls that run in this worker, to restore them after Redis was unavailable or lost its data. */
  private readonly heldLeases = new Map<string, Set<string>>();
  private readonly cancelRenewal: () => void;
  private readonly stopWatching: () => void;
  private isRedisUnavailable = false;
  private retryRedisAt = 0;

  constructor(
    private readonly redis: { readonly commands: RedisCommands; readonly keys: RedisKeys },
    private readonly fallback: Counters,
    private readonly clock: Clock,
  ) {
    super();
    this.cancelRenewal = clock.every(RENEW_INTERVAL_MS, () => void this.renew());
    this.stopWatching = redis.commands.onReady(() => {
      this.retryRedisAt = 0;
      void this.renew();
    });
  }

  override async admit(counter: string, allowance: Allowance, lease: string): Promise<Refusal | undefined> {
    const isUnresponsive = this.clock.monotonicNow() < this.retryRedisAt;
    const refusal = await (isUnresponsive
      ? this.fallback.admit(counter, allowance, lease)
      : this.admitInRedis(counter, allowance, lease));
    if (refusal === undefined && allowance.concurrency !== undefined) {
      this.heldLeases.set(counter, (this.heldLeases.get(counter) ?? new Set()).add(lease));
    }
    return refusal;
  }

  override async release(counter: string, lease: string): Promise<void> {
    const leases = this.heldLeases.get(counter);
    leases?.delete(lease);
    if (leases?.size === 0) this.heldLeases.delete(counter);
    await this.fallback.release(counter, lease);
    await this.removeLeases(counter, [lease]);
  }

  close(): void {
    this.cancelRenewal();
    this.stopWatching();
  }

  private async admitInRedis(counter: string, allowance: Allowance, lease: string): Promise<Refusal | undefined> {
    const { rate = { calls: 0, withinMs: 0 }, concurrency = 0 } = allowance;
    const { commands, keys } = this.redis;
    const counters = [keys.rate(counter), keys.leases(counter)];
    try {
      const answer = await commands.run(ADMIT, counters, [rate.calls, rate.withinMs, concurrency, lease, LEASE_TTL_MS]);
      this.isRedisUnavailable = false;
      if (answer === -1) return 'too-many-at-once';
      return answer === 0 ? undefined : { afterMs: Number(answer) };
    } catch (cause) {
      if (!this.isRedisUnavailable)
        this.logger.warn(`Redis is unavailable; this worker counts limits on its own. ${String(cause)}`);
      this.isRedisUnavailable = true;
      this.retryRedisAt = this.clock.monotonicNow() + REDIS_RETRY_DELAY_MS;
      return await this.fallback.admit(counter, allowance, lease);
    }
  }

  private async renew(): Promise<void> {
    await Promise.allSettled([...this.heldLeases].map(([counter, leases]) => this.renewLeases(counter, [...leases])));
  }

  private async renewLeases(counter: string, leases: readonly string[]): Promise<void> {
    const { commands, keys } = this.redis;
    await commands.run(RENEW_LEASES, [keys.leases(counter)], [LEASE_TTL_MS, ...leases]);
    // A lease that was released during the renewal may have been removed before the renewal wrote it again.
    const released = leases.filter((lease) => this.heldLeases.get(counter)?.has(lease) !== true);
    if (released.length > 0) await this.removeLeases(counter, released);
  }

  /** A lease that cannot be removed now expires later. */
  private async removeLeases(counter: string, leases: readonly string[]): Promise<void> {
    const { commands, keys } = this.redis;
    await commands.send('ZREM', keys.leases(counter), ...leases).catch(() => undefined);
  }
}
