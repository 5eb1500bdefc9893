import pg from 'pg';
import type { Clock } from '#lib/time';
import { DatabaseUnavailable } from './database.errors.js';

/**
 * SQLSTATE classes (PostgreSQL manual, appendix A) of a server that cannot serve at the moment: connection exceptions,
 * insufficient resources, operator intervention. The last class includes statements that exceeded their timeout.
 */
const UNAVAILABLE_STATES = /^(08|53|57)/;
/** SQLSTATE of a transaction that was idle for too long. */
const IDLE_TRANSACTION = '25P03';

/** Converts a fault to DatabaseUnavailable; undefined when the server rejected the statement itself. */
export function toUnavailable(fault: unknown): DatabaseUnavailable | undefined {
  if (!(fault instanceof pg.DatabaseError)) return new DatabaseUnavailable(fault);
  const { code = '' } = fault;
  return UNAVAILABLE_STATES.test(code) || code === IDLE_TRANSACTION ? new DatabaseUnavailable(fault) : undefined;
}

/** Resolves like the response, or rejects when it takes longer than the timeout. */
export async function withTimeout<T>(clock: Clock, timeoutMs: number, response: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const cancelTimeout = clock.after(timeoutMs, () =>
    timeout.reject(new Error(`It has not responded for ${timeoutMs} ms`)),
  );
  try {
    return await Promise.race([response, timeout.promise]);
  } finally {
    cancelTimeout();
    response.catch(() => {});
  }
}
