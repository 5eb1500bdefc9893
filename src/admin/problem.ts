import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { GatewayError, retryAfterSeconds } from '#lib/extension-kit';
import { isJsonObject } from '#lib/mcp-protocol';
import { DatabaseUnavailable } from '../database/index.js';
import { ConfirmationRequired } from './admin.errors.js';
import { IdempotencyConflict } from './idempotency/idempotency.errors.js';
import { ChangeRefused, EntriesUnavailable, EntryInvalid, SecretStoreUnavailable } from '../registry/index.js';

/** A problem document (RFC 9457). `type` has its default, so the title is that of the status. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** Error code of the gateway (docs/errors.md). */
  readonly code?: number;
  /** Stable reason of a refused change, for programs. */
  readonly reason?: string;
  /** All faults of the request, one sentence each. */
  readonly errors?: readonly string[];
}

const DATABASE_UNAVAILABLE =
  'The database is unavailable. A change may or may not have been made. Read the current state before you retry.';

/** Undefined for an unexpected error, whose details must not reach the client. */
export function toProblem(cause: unknown): Problem | undefined {
  if (cause instanceof GatewayError) return { ...createProblem(cause.httpStatus, cause.message), code: cause.code };
  if (cause instanceof ConfirmationRequired)
    return { ...createProblem(cause.getStatus(), cause.message), reason: cause.reason };
  if (cause instanceof HttpException)
    return { ...createProblem(cause.getStatus(), cause.message), ...validationFaults(cause) };
  if (cause instanceof ChangeRefused) return toRefusal(cause);
  if (cause instanceof SecretStoreUnavailable || cause instanceof EntriesUnavailable)
    return createProblem(503, cause.message);
  if (cause instanceof DatabaseUnavailable) return createProblem(503, DATABASE_UNAVAILABLE);
  return undefined;
}

export function createProblem(status: number, detail?: string): Problem {
  return { title: STATUS_CODES[status] ?? 'Error', status, ...(detail !== undefined && { detail }) };
}

const STATUS_BY_REASON: Readonly<Record<string, number>> = {
  entry_invalid: 422,
  slug_taken: 409,
  entry_unknown: 404,
  entry_managed: 409,
  version_mismatch: 412,
  entry_in_use: 409,
};

function toRefusal(cause: ChangeRefused): Problem {
  const status = STATUS_BY_REASON[cause.code] ?? 409;
  if (!(cause instanceof EntryInvalid)) return { ...createProblem(status, cause.message), reason: cause.code };
  const errors = cause.faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return { ...createProblem(status, 'The entry is invalid.'), reason: cause.code, errors };
}

/** Returns the faults that the validation of a body or query has found. */
function validationFaults(cause: HttpException): Pick<Problem, 'errors'> {
  const response = cause.getResponse();
  const errors = isJsonObject(response) ? response['message'] : undefined;
  return Array.isArray(errors) ? { errors: errors.filter((error) => typeof error === 'string') } : {};
}

/** A conflict that ends with the request that runs at this moment. */
const isRetriableSoon = (cause: unknown): boolean => cause instanceof IdempotencyConflict && cause.kind === 'running';

export function toProblemHeaders(cause: unknown): Record<string, string> {
  const challenge = cause instanceof GatewayError && 'wwwAuthenticate' in cause ? cause.wwwAuthenticate : undefined;
  const data = cause instanceof GatewayError ? cause.data : undefined;
  const seconds = isRetriableSoon(cause) ? 1 : retryAfterSeconds(toProblem(cause)?.status ?? 500, data);
  return {
    'cache-control': 'no-store',
    ...(typeof challenge === 'string' && { 'www-authenticate': challenge }),
    ...(seconds !== undefined && { 'retry-after': String(seconds) }),
  };
}
