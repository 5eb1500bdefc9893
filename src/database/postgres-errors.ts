import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { DatabaseUnavailable } from './database.errors.js';

/**
 * Classes of SQLSTATE (PostgreSQL manual, appendix A) with which a server says that it cannot serve now: connection
 * exceptions, insufficient resources, intervention by an operator. A statement that took too long belongs to the last.
 */
const NOT_NOW = /^(08|53|57)/;
/** A transaction that stood still for too long. */
const IDLE_TRANSACTION = '25P03';

/** The fault as one of a database that cannot be asked now; undefined when it is the server's answer to a statement. */
export function toUnavailable(fault: unknown): DatabaseUnavailable | undefined {
  if (!(fault instanceof pg.DatabaseError)) return new DatabaseUnavailable(fault);
  const { code = '' } = fault;
  return NOT_NOW.test(code) || code === IDLE_TRANSACTION ? new DatabaseUnavailable(fault) : undefined;
}

/** The answer, unless it takes longer. */
export async function withTimeout<T>(longestMs: number, answer: Promise<T>): Promise<T> {
  const over = new AbortController();
  const silence = pause(longestMs, undefined, { signal: over.signal, ref: false }).then(() => {
    throw new Error(`It has not answered for ${longestMs} ms`);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    over.abort();
    silence.catch(() => {});
    answer.catch(() => {});
  }
}
