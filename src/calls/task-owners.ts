import type { RedisCommands, RedisKeys } from '#lib/redis';
import type { Clock } from '#lib/time';

/** Maximum number of tasks that a worker remembers. Of more tasks, the oldest disappear from lists. */
const MAX_TASKS = 10_000;

/** How long the ownership of a task is remembered at most, whatever lifetime its server declares, in milliseconds. */
const MAX_LIFETIME_MS = 24 * 3_600_000;

/** Remembers which tasks exist, by keys that contain their owners (`toOwnershipKey`). Forgetting one only hides the task. */
export abstract class TaskOwners {
  /** @param lifetimeMs lifetime that the server declares; undefined for an unlimited one */
  abstract record(key: string, lifetimeMs: number | undefined): void;

  /** Returns whether this worker has recorded the key. */
  abstract isKnownHere(key: string): boolean;

  /** Returns the keys that any worker has recorded. */
  abstract known(keys: readonly string[]): Promise<ReadonlySet<string>>;
}

/** For a single worker. */
export class MemoryTaskOwners extends TaskOwners {
  /** Expiry by key, the oldest record first. */
  private readonly expiries = new Map<string, number>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override record(key: string, lifetimeMs: number | undefined): void {
    this.expiries.delete(key);
    this.expiries.set(key, this.clock.monotonicNow() + toLifetime(lifetimeMs));
    const [oldest] = this.expiries.keys();
    if (this.expiries.size > MAX_TASKS && oldest !== undefined) this.expiries.delete(oldest);
  }

  override isKnownHere(key: string): boolean {
    return (this.expiries.get(key) ?? 0) > this.clock.monotonicNow();
  }

  override async known(keys: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(keys.filter((key) => this.isKnownHere(key)));
  }
}

/** For several workers. While Redis is unavailable, a worker knows only the tasks that were created over itself. */
export class RedisTaskOwners extends TaskOwners {
  private readonly own: MemoryTaskOwners;

  constructor(
    private readonly redis: { readonly commands: RedisCommands; readonly keys: RedisKeys },
    clock: Clock,
  ) {
    super();
    this.own = new MemoryTaskOwners(clock);
  }

  override record(key: string, lifetimeMs: number | undefined): void {
    this.own.record(key, lifetimeMs);
    const { commands, keys } = this.redis;
    commands.send('SET', keys.task(key), '1', 'PX', toLifetime(lifetimeMs)).catch(() => undefined);
  }

  override isKnownHere(key: string): boolean {
    return this.own.isKnownHere(key);
  }

  override async known(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const found = await Promise.all(keys.map(async (key) => this.isKnownHere(key) || (await this.isInRedis(key))));
    return new Set(keys.filter((_key, index) => found[index]));
  }

  private async isInRedis(key: string): Promise<boolean> {
    const { commands, keys } = this.redis;
    return commands.send('GET', keys.task(key)).then(
      (value) => value !== null,
      () => false,
    );
  }
}

const toLifetime = (lifetimeMs = MAX_LIFETIME_MS): number =>
  Math.min(MAX_LIFETIME_MS, Math.max(1, Math.ceil(lifetimeMs)));
