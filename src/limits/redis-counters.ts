import { Logger } from '@nestjs/common';
import { redisScript, type RedisCommands, type RedisKeys } from '#lib/redis';
import { Counters, type Allowance, type Refusal } from './counters.js';

/** A worker that died gives nothing back: its leases end by themselves. */
const LEASE_MS = 60_000;
const RENEWING_MS = 20_000;

const ADMIT = redisScript('admit', 2, { state: true });
const RENEW_LEASES = redisScript('renew-leases', 1, { state: true });

/**
 * Counts the calls of all workers. While Redis cannot be asked, each worker counts its own: a limit is then as many times
 * as wide as there are workers, and calls go on.
 */
export class RedisCounters extends Counters {
  private readonly logger = new Logger('Limits');
  private readonly held = new Map<string, Set<string>>();
  private readonly renewing: NodeJS.Timeout;
  private isAway = false;

  constructor(
    private readonly redis: { readonly commands: RedisCommands; readonly keys: RedisKeys },
    private readonly own: Counters,
  ) {
    super();
    this.renewing = setInterval(() => void this.renew(), RENEWING_MS).unref();
  }

  override async admit(counter: string, allowance: Allowance, lease: string): Promise<Refusal | undefined> {
    const { rate = { calls: 0, withinMs: 0 }, concurrency = 0 } = allowance;
    const { commands, keys } = this.redis;
    const counters = [keys.rate(counter), keys.leases(counter)];
    try {
      const answer = await commands.run(ADMIT, counters, [rate.calls, rate.withinMs, concurrency, lease, LEASE_MS]);
      this.isAway = false;
      if (answer === -1) return 'too-many-at-once';
      if (answer !== 0) return { afterMs: Number(answer) };
      if (concurrency > 0) this.held.set(counter, (this.held.get(counter) ?? new Set()).add(lease));
      return undefined;
    } catch (cause) {
      if (!this.isAway) this.logger.warn(`Limits are counted by each worker for itself. ${String(cause)}`);
      this.isAway = true;
      return await this.own.admit(counter, allowance, lease);
    }
  }

  override async giveBack(counter: string, lease: string): Promise<void> {
    const leases = this.held.get(counter);
    if (!leases?.delete(lease)) return await this.own.giveBack(counter, lease);
    if (leases.size === 0) this.held.delete(counter);
    const { commands, keys } = this.redis;
    // It ends by itself otherwise.
    await commands.send('ZREM', keys.leases(counter), lease).catch(() => undefined);
  }

  close(): void {
    clearInterval(this.renewing);
  }

  private async renew(): Promise<void> {
    const { commands, keys } = this.redis;
    const renewals = [...this.held].map(([counter, leases]) =>
      commands.run(RENEW_LEASES, [keys.leases(counter)], [LEASE_MS, ...leases]),
    );
    await Promise.allSettled(renewals);
  }
}
