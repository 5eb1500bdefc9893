import pg from 'pg';
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
