import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { isJsonObject } from '#lib/mcp-protocol';
import { DatabaseUnavailable } from '../database/index.js';
import { IdempotencyConflict } from './idempotency/idempotency.errors.js';
import { ChangeRefused, EntryInvalid } from '../registry/index.js';

/** What went wrong, as RFC 9457 has it. `type` is left to its default: the title is that of the status. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** Code of the gateway's own errors (docs/errors.md). */
  readonly code?: number;
  /** Why a change was refused, for programs. */
  readonly reason?: string;
  /** All that is wrong with what was sent, a sentence each. */
  readonly errors?: readonly string[];
}

const DATABASE_IS_AWAY =
  'The database cannot be asked now. A change may or may not have been made: look before you try it again.';

/** Undefined for a defect of ours: nobody is told what it is. */
export function toProblem(cause: unknown): Problem | undefined {
  if (cause instanceof GatewayError) return { ...createProblem(cause.httpStatus, cause.message), code: cause.code };
  if (cause instanceof HttpException) return { ...createProblem(cause.getStatus(), cause.message), ...faultsIn(cause) };
  if (cause instanceof ChangeRefused) return refusal(cause);
  if (cause instanceof DatabaseUnavailable) return createProblem(503, DATABASE_IS_AWAY);
  return undefined;
}

export function createProblem(status: number, detail?: string): Problem {
  return { title: STATUS_CODES[status] ?? 'Error', status, ...(detail !== undefined && { detail }) };
}

const STATUS_OF_REASON: Readonly<Record<string, number>> = {
  entry_invalid: 422,
  slug_taken: 409,
  entry_unknown: 404,
  entry_managed: 409,
  version_mismatch: 412,
  entry_in_use: 409,
};

function refusal(cause: ChangeRefused): Problem {
  const status = STATUS_OF_REASON[cause.code] ?? 409;
  if (!(cause instanceof EntryInvalid)) return { ...createProblem(status, cause.message), reason: cause.code };
  const errors = cause.faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return { ...createProblem(status, 'The entry is at fault.'), reason: cause.code, errors };
}

/** What the validation of a body or query has found. */
function faultsIn(cause: HttpException): Pick<Problem, 'errors'> {
  const told = cause.getResponse();
  const errors = isJsonObject(told) ? told['message'] : undefined;
  return Array.isArray(errors) ? { errors: errors.filter((error) => typeof error === 'string') } : {};
}

const isOverSoon = (cause: unknown): boolean =>
  cause instanceof DatabaseUnavailable || (cause instanceof IdempotencyConflict && cause.kind === 'running');

export function toProblemHeaders(cause: unknown): Record<string, string> {
  const challenge = cause instanceof GatewayError && 'wwwAuthenticate' in cause ? cause.wwwAuthenticate : undefined;
  const data = cause instanceof GatewayError && isJsonObject(cause.data) ? cause.data : {};
  const { retryAfterMs } = data;
  return {
    'cache-control': 'no-store',
    ...(typeof challenge === 'string' && { 'www-authenticate': challenge }),
    ...(isOverSoon(cause) && { 'retry-after': '1' }),
    ...(typeof retryAfterMs === 'number' && { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
  };
}
