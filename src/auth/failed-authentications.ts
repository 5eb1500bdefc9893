import type { Clock } from '#lib/extension-kit';
import { toNetwork } from '../client-address/index.js';

/** Maximum number of addresses. Beyond it the address without a failure for the longest time is forgotten. */
const MAX_ADDRESSES = 10_000;
const MINUTE_MS = 60_000;

interface Budget {
  /** Failures that are left, as of `at`. */
  readonly left: number;
  /** Monotonic time. */
  readonly at: number;
}

/**
 * Counts failed authentications per client address. Each address may fail `perMinute` times at once; the budget then refills
 * evenly. An IPv6 address stands for its /64 network, which one host can use completely.
 */
export class FailedAuthentications {
  /** In the order of the last failure. */
  private readonly budgets = new Map<string, Budget>();
  /** Monotonic time. */
  private lastFailureAt = -Infinity;

  constructor(
    private readonly perMinute: number,
    private readonly clock: Clock,
    private readonly maxAddresses = MAX_ADDRESSES,
  ) {}

  /** False while every address has its whole budget, so that its caller need not determine the address. */
  get isActive(): boolean {
    if (this.budgets.size === 0) return false;
    // A budget refills within a minute from any state.
    if (this.clock.monotonicNow() - this.lastFailureAt < MINUTE_MS) return true;
    this.budgets.clear();
    return false;
  }

  add(address: string): void {
    const key = toNetwork(address);
    const left = Math.max(0, this.leftFor(key) - 1);
    this.budgets.delete(key);
    if (this.budgets.size >= this.maxAddresses) this.forgetOldest();
    this.lastFailureAt = this.clock.monotonicNow();
    this.budgets.set(key, { left, at: this.lastFailureAt });
  }

  /** Returns how long the address must wait before it may fail again, in milliseconds; 0: it may. */
  waitMs(address: string): number {
    const left = this.leftFor(toNetwork(address));
    return left >= 1 ? 0 : Math.ceil(((1 - left) * MINUTE_MS) / this.perMinute);
  }

  private leftFor(key: string): number {
    const budget = this.budgets.get(key);
    if (!budget) return this.perMinute;
    const refilled = ((this.clock.monotonicNow() - budget.at) * this.perMinute) / MINUTE_MS;
    return Math.min(this.perMinute, budget.left + refilled);
  }

  private forgetOldest(): void {
    const [oldest] = this.budgets.keys();
    if (oldest !== undefined) this.budgets.delete(oldest);
  }
}
