import { Logger } from '@nestjs/common';
import type { CallRecord } from '#lib/extension-kit';
import { GatewayCode, isListMethod, RpcCode } from '#lib/mcp-protocol';
import { StructuredLine, type LineFields } from '../logging/index.js';
import { TelemetrySink } from './telemetry-sink.js';

type Severity = 'error' | 'warn' | 'log' | 'debug';

/** Failures that an operator can mend: of a server, of another worker, of Redis, or of this worker's capacity. */
const OPERATIONAL_CODES: ReadonlySet<number> = new Set([
  GatewayCode.ownerUnreachable,
  GatewayCode.outcomeUnknown,
  GatewayCode.upstreamFailed,
  GatewayCode.upstreamBrokeProtocol,
  GatewayCode.coordinationUnavailable,
]);
const SERVICE_UNAVAILABLE = 503;
/** Refusals of requests whose caller is unknown: no valid token, a foreign host or page, too many such requests. */
const STRANGER_STATUSES: ReadonlySet<number> = new Set([401, 403, 429]);

/** Writes one line for each record. */
export class CallLog extends TelemetrySink {
  private readonly logger = new Logger('Calls');

  record(record: CallRecord): void {
    this.logger[severityOf(record)](new CallLine(record));
  }
}

class CallLine extends StructuredLine {
  constructor(private readonly record: CallRecord) {
    super();
  }

  toText(): string {
    return toText(this.record);
  }

  toFields(): LineFields {
    return toFields(this.record);
  }
}

/**
 * A failure of the gateway or a server is a warning, a defect an error. What a client causes (a denied or malformed request, a
 * disconnect) is no warning. Successful requests that use no item of a server are details.
 */
export function severityOf(record: CallRecord): Severity {
  const { code, isGatewayError, hasClientLeft, method } = record;
  if (isGatewayError && code === RpcCode.internalError) return 'error';
  // Anyone can cause any number of them. The audit log has bounded records of them.
  if (record.principal === undefined && STRANGER_STATUSES.has(record.httpStatus ?? 0)) return 'debug';
  if (hasClientLeft) return 'log';
  if (code !== undefined) return isGatewayError && isOperational(record) ? 'warn' : 'log';
  const reachedServer = record.serverEra !== undefined && method !== undefined && !isListMethod(method);
  return reachedServer || record.interception !== undefined || record.guardrails !== undefined ? 'log' : 'debug';
}

/** -31003 with another status than 503 says that this caller sent too much. */
const isOperational = ({ code, errorStatus }: CallRecord): boolean =>
  OPERATIONAL_CODES.has(code ?? 0) || (code === GatewayCode.overloaded && errorStatus === SERVICE_UNAVAILABLE);

/** For a terminal: who called what, how it ended, and where the time went. */
function toText(record: CallRecord): string {
  const { method, item, server, endpoint, principal, hasClientLeft, requestId, reason, detail } = record;
  const what = [method ?? 'a request', item && JSON.stringify(item), server && `of ${server}`]
    .filter(Boolean)
    .join(' ');
  const who = principal === undefined ? '' : ` for ${principal.subject}`;
  const end = hasClientLeft ? `${toEnd(record)}, the client had disconnected` : toEnd(record);
  const why = [reason, detail].filter((text) => text !== undefined && text !== '').map((text) => `: ${text}`);
  return `${what} at ${endpoint}${who}: ${end} in ${toTimes(record)} (${requestId})${why.join('')}`;
}

function toEnd(record: CallRecord): string {
  const { interception, interceptedBy } = record;
  const end = toOutcomeText(record);
  return interception === undefined ? end : `${end}, ${interception} by ${interceptedBy}`;
}

function toOutcomeText({ outcome, code, isToolError, isGatewayError }: CallRecord): string {
  if (isToolError) return `${outcome.replace('_', ' ')}, the tool failed`;
  if (code === undefined) return outcome.replace('_', ' ');
  return `${outcome.replace('_', ' ')}, ${isGatewayError ? 'error' : 'error of the server'} ${code}`;
}

function toTimes({ totalMs, ownMs, serverMs, clientMs }: CallRecord): string {
  const shares = [`gateway ${round(ownMs)}`, serverMs > 0 && `server ${round(serverMs)}`];
  if (clientMs > 0) shares.push(`client ${round(clientMs)}`);
  return `${round(totalMs)} ms (${shares.filter(Boolean).join(', ')})`;
}

/** The allow-list of what a line contains: a new member of the record is not logged until it is named here. */
function toFields(record: CallRecord): LineFields {
  const { principal, outcome, code, reason, method } = record;
  return {
    message: `${method ?? 'a request'}: ${outcome.replace('_', ' ')}`,
    requestId: record.requestId,
    traceId: record.traceId,
    issuer: principal?.issuer,
    subject: principal?.subject,
    token: record.token,
    transport: record.transport,
    endpoint: record.endpoint,
    session: record.session,
    clientEra: record.clientEra,
    clientRevision: record.clientRevision,
    server: record.server,
    serverEra: record.serverEra,
    serverRevision: record.serverRevision,
    method,
    item: record.item,
    outcome,
    code,
    reason,
    detail: record.detail,
    toolError: record.isToolError || undefined,
    clientLeft: record.hasClientLeft || undefined,
    httpStatus: record.httpStatus,
    totalMs: round(record.totalMs),
    ownMs: round(record.ownMs),
    serverMs: round(record.serverMs),
    clientMs: record.clientMs > 0 ? round(record.clientMs) : undefined,
    worker: record.worker,
    forwardedFrom: record.forwardedFrom,
    forwardedTo: record.forwardedTo,
    parkedCall: record.parkedCall,
    interception: record.interception,
    interceptedBy: record.interceptedBy,
    guardrails: record.guardrails?.join(', '),
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
  };
}

const round = (ms: number): number => Math.round(ms * 100) / 100;
