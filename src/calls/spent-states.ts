import { randomBytes } from 'node:crypto';
import type { RedisCommands, RedisKeys } from '#lib/redis';
import type { Clock } from '#lib/time';
import { CoordinationUnavailable } from '../workers/index.js';

/** Maximum number of states that a single worker remembers. */
const MAX_STATES = 100_000;

/** Lets each request state whose answers interceptors use be used once, by all workers together. */
export abstract class SpentStates {
  /** Identifies a new state. */
  mint(): string {
    return randomBytes(16).toString('base64url');
  }

  /**
   * Returns true for the first use of the state.
   * @param lifetimeMs how long the state can still be used, in milliseconds
   * @throws CoordinationUnavailable when it cannot be told
   */
  abstract spend(nonce: string, lifetimeMs: number): Promise<boolean>;

  /** Lets a state be used once more whose use had no effect. A failure leaves it used. */
  abstract restore(nonce: string): Promise<void>;
}

/** For a single worker. States of an earlier process count as used, because nobody remembers whether they were. */
export class MemorySpentStates extends SpentStates {
  private readonly process = randomBytes(8).toString('base64url');
  /** Expiry by nonce. */
  private readonly expiries = new Map<string, number>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override mint(): string {
    return `${this.process}.${super.mint()}`;
  }

  override async spend(nonce: string, lifetimeMs: number): Promise<boolean> {
    if (!nonce.startsWith(`${this.process}.`) || this.expiries.has(nonce)) return false;
    if (this.expiries.size >= MAX_STATES) this.forgetExpired();
    // Forgetting another one would let it be used again.
    if (this.expiries.size >= MAX_STATES) throw new CoordinationUnavailable();
    this.expiries.set(nonce, this.clock.monotonicNow() + lifetimeMs);
    return true;
  }

  override async restore(nonce: string): Promise<void> {
    this.expiries.delete(nonce);
  }

  private forgetExpired(): void {
    const now = this.clock.monotonicNow();
    for (const [nonce, expiry] of this.expiries) if (expiry <= now) this.expiries.delete(nonce);
  }
}

/** For several workers. */
export class RedisSpentStates extends SpentStates {
  constructor(private readonly redis: { readonly commands: RedisCommands; readonly keys: RedisKeys }) {
    super();
  }

  override async spend(nonce: string, lifetimeMs: number): Promise<boolean> {
    const { commands, keys } = this.redis;
    const lifetime = Math.max(1, Math.ceil(lifetimeMs));
    const reply = await commands.send('SET', keys.spentState(nonce), '1', 'NX', 'PX', lifetime).catch(() => {
      throw new CoordinationUnavailable();
    });
    return reply !== null;
  }

  override async restore(nonce: string): Promise<void> {
    const { commands, keys } = this.redis;
    await commands.send('DEL', keys.spentState(nonce)).catch(() => undefined);
  }
}
