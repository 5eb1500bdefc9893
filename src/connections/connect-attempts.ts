import type { Clock } from '#lib/time';
import type { ServerDefinition } from '../registry/index.js';
import { ConnectCancelled, ConnectTimeout } from './connections.errors.js';

/**
 * For how long a failure is shared with those who ask for the same connection again, in milliseconds. A request may need a
 * server several times, and must not wait for its connect timeout again.
 */
const SHARED_FAILURE_MS = 1_000;
/** Faster failures cost a request hardly any time, and the next attempt may succeed. */
const MIN_SHARED_DURATION_MS = 500;
/** Time for the last steps when the first ones used the whole connect timeout, in milliseconds. */
const MIN_BUDGET_MS = 1_000;
/** Maximum number of failures per server. */
const MAX_FAILURES = 1_000;

interface Failure {
  readonly cause: unknown;
  readonly until: number;
}

/** Bounds the time that a request spends on connecting to a server: attempts share their deadline and their failure. */
export class ConnectAttempts {
  /** A changed definition is tried at once. */
  private readonly failures = new WeakMap<ServerDefinition, Map<string, Failure>>();

  constructor(private readonly clock: Clock) {}

  /**
   * Runs an attempt, or rejects at once with the failure of one that has just used its time.
   *
   * @param key identifies the clients that would share the connection
   */
  async run<T>(server: ServerDefinition, key: string, attempt: () => Promise<T>): Promise<T> {
    const startedAt = this.clock.monotonicNow();
    const known = this.failures.get(server)?.get(key);
    if (known && startedAt < known.until) throw known.cause;
    try {
      return await attempt();
    } catch (cause) {
      if (this.clock.monotonicNow() - startedAt >= MIN_SHARED_DURATION_MS) this.store(server, key, cause);
      throw cause;
    }
  }

  /** Milliseconds that a request which began to connect at a monotonic time has left. */
  budgetFrom(startedAt: number, { timeouts: { connectMs } }: ServerDefinition): number {
    const leftMs = connectMs - (this.clock.monotonicNow() - startedAt);
    return Math.max(leftMs, Math.min(connectMs, MIN_BUDGET_MS));
  }

  private store(server: ServerDefinition, key: string, cause: unknown): void {
    const failures = this.failures.get(server) ?? new Map<string, Failure>();
    this.failures.set(server, failures);
    failures.delete(key);
    failures.set(key, { cause, until: this.clock.monotonicNow() + SHARED_FAILURE_MS });
    const [oldest] = failures.keys();
    if (failures.size > MAX_FAILURES && oldest !== undefined) failures.delete(oldest);
  }
}

/** Waits for a connection until the request that needs it is cancelled. The attempt continues for the others. */
export function untilAborted<T>(opening: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return opening;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new ConnectCancelled());
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    opening.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Rejects when a connection is not open in time, and closes it when it opens later. */
export function withinBudget<T extends { close(): Promise<void> }>(
  opening: Promise<T>,
  budgetMs: number,
  clock: Clock,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const cancelTimeout = clock.after(budgetMs, () => {
      isLate = true;
      reject(new ConnectTimeout());
    });
    opening
      .then((connection) => (isLate ? void connection.close().catch(() => undefined) : resolve(connection)), reject)
      .finally(cancelTimeout);
  });
}
