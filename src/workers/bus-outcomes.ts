import type { BusEnd } from '#lib/worker-bus';
import {
  failure,
  GatewayCode,
  isJsonObject,
  isRpcError,
  RpcCode,
  type ExecutionOutcome,
  type JsonObject,
  type Outcome,
  type RpcError,
} from '#lib/mcp-protocol';

export type FailedOutcome = Extract<Outcome, { kind: 'error' }>;

/** Every way in which a request to another worker ends without a value. */
export type BusFailure = Exclude<BusEnd, { kind: 'value' }>;

/**
 * Converts the end of a forwarded call into an outcome, where the other worker replies with an Outcome. A value that is
 * not an outcome is never treated as a success. Callers handle the refusals that mean more to them, such as an unknown
 * session, before they call this.
 */
export function toCallOutcome(end: BusEnd): Outcome {
  if (end.kind !== 'value') return toFailedOutcome(end);
  return readOutcome(end.value) ?? INTERNAL_ERROR;
}

/**
 * Converts the end of a request that returns something other than an Outcome (docs/errors.md, Codes of the gateway).
 * Reports `not_executed` only where the bus is certain.
 */
export function toFailedOutcome(end: BusFailure): FailedOutcome {
  switch (end.kind) {
    case 'failed':
      return INTERNAL_ERROR;
    case 'refused':
      return createNotExecuted(GatewayCode.ownerUnreachable, REFUSED_MESSAGE);
    case 'not-executed':
      return NOT_EXECUTED[end.cause];
    case 'unknown':
      return createUnknown(UNKNOWN_REASONS[end.cause]);
  }
}

/**
 * Adds the id of the request between workers to an error of the gateway, so that the logs of both workers can be searched
 * for it. The id of an inner request takes precedence. A server's own error stays unchanged: it has no HTTP status.
 */
export function withRequestId(outcome: Outcome, requestId: string | undefined): Outcome {
  if (outcome.kind !== 'error' || outcome.httpStatus === undefined || requestId === undefined) return outcome;
  const { data } = outcome.error;
  if (!isJsonObject(data) || data['outcome'] === undefined || data['requestId'] !== undefined) return outcome;
  return { ...outcome, error: { ...outcome.error, data: { ...data, requestId } } };
}

/**
 * Converts the end of a request that sent no call, such as opening a connection or a look-up. That request may or may
 * not have been executed, which does no harm; the call that needed it did not run in either case.
 */
export function toOutcomeBeforeCall(end: BusFailure): FailedOutcome {
  if (end.kind === 'failed') return FAILED_BEFORE_ANY_CALL;
  if (end.kind !== 'unknown') return toFailedOutcome(end);
  return NOT_EXECUTED[end.cause === 'relay' ? 'unavailable' : 'unreachable'];
}

/** Reads an outcome that another worker sent. Returns undefined for anything else, and drops unexpected members. */
export function readOutcome(value: unknown): Outcome | undefined {
  if (!isJsonObject(value)) return undefined;
  const eventId = value['eventId'];
  if (eventId !== undefined && typeof eventId !== 'string') return undefined;
  const outcome = value['kind'] === 'result' ? readResult(value) : readError(value);
  return outcome && eventId !== undefined ? { ...outcome, eventId } : outcome;
}

function readResult({ result, error, serverEra }: JsonObject): Outcome | undefined {
  if (!isJsonObject(result) || error !== undefined) return undefined;
  if (serverEra === undefined) return { kind: 'result', result };
  return serverEra === 'legacy' || serverEra === 'modern' ? { kind: 'result', result, serverEra } : undefined;
}

function readError({ kind, error, result, httpStatus, cancelled }: JsonObject): Outcome | undefined {
  if (kind !== 'error' || !isRpcError(error) || result !== undefined) return undefined;
  const failed = { kind, error: toRpcError(error), ...(cancelled === true && { cancelled }) } as const;
  if (httpStatus === undefined) return failed;
  return isErrorStatus(httpStatus) ? { ...failed, httpStatus } : undefined;
}

function toRpcError({ code, message, data }: RpcError): RpcError {
  return data === undefined ? { code, message } : { code, message, data };
}

function isErrorStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 400 && value <= 599;
}

function createNotExecuted(code: number, message: string): FailedOutcome {
  return createFailure({ code, message, data: { outcome: 'not_executed', retriable: true } }, 503);
}

function createUnknown(because: string): FailedOutcome {
  const message = `${because}: the call may have run`;
  return createFailure(
    { code: GatewayCode.outcomeUnknown, message, data: { outcome: 'unknown', retriable: false } },
    504,
  );
}

function createFailure(error: RpcError, httpStatus: number): FailedOutcome {
  return failure(error, httpStatus) as FailedOutcome;
}

const REFUSED_MESSAGE =
  'The worker that holds the session or connection refused the call; the call was not executed. Retry.';

const NOT_EXECUTED: Readonly<Record<Extract<BusEnd, { kind: 'not-executed' }>['cause'], FailedOutcome>> = {
  unreachable: createNotExecuted(
    GatewayCode.ownerUnreachable,
    'The worker that holds the session or connection did not accept the call; the call was not executed. Retry.',
  ),
  unavailable: createNotExecuted(
    GatewayCode.coordinationUnavailable,
    'Redis is unavailable; the call was not executed. Retry later.',
  ),
  cancelled: createNotExecuted(
    GatewayCode.ownerUnreachable,
    'The call was cancelled before the worker that holds the session or connection accepted it; it was not executed.',
  ),
};

const UNKNOWN_REASONS: Readonly<Record<Extract<BusEnd, { kind: 'unknown' }>['cause'], string>> = {
  relay: 'Redis failed while the call was in flight to another worker',
  'owner-dead': 'The worker that ran the call died',
  deadline: 'The worker that accepted the call did not reply in time',
  gap: 'A part of the reply of another worker was lost',
};

const INTERNAL_ERROR = createInternalError('unknown');
const FAILED_BEFORE_ANY_CALL = createInternalError('not_executed');

function createInternalError(outcome: ExecutionOutcome): FailedOutcome {
  const data = { outcome, retriable: false };
  return createFailure({ code: RpcCode.internalError, message: 'Internal error', data }, 500);
}
