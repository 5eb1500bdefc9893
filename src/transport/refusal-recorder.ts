import { Injectable } from '@nestjs/common';
import { GatewayError, type Caller } from '#lib/extension-kit';
import { GatewayCode, type Outcome } from '#lib/mcp-protocol';
import { AuditLog, describeCaller, describeSource } from '../audit/index.js';
import { refusedCallerOf } from '../auth/index.js';
import type { RequestSource } from '../client-address/index.js';
import { Dispatcher, type Inbound } from '../dispatch/index.js';
import type { StreamSink } from '../session-pool/index.js';

/** Statuses of requests whose caller was not authenticated or not permitted. */
const RECORDED_STATUSES: ReadonlySet<number> = new Set([401, 403, 429]);
interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** Records refusals at MCP endpoints in the audit log: of requests that are not admitted, and of calls that a policy denies. */
@Injectable()
export class RefusalRecorder {
  constructor(
    private readonly log: AuditLog,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Records that a request was not admitted. Other errors, such as an unknown endpoint, are no refusals. */
  recordRefused(source: RequestSource, cause: unknown): void {
    if (!(cause instanceof GatewayError) || !RECORDED_STATUSES.has(cause.httpStatus)) return;
    this.record(source, refusedCallerOf(cause), { status: cause.httpStatus, reason: cause.message });
  }

  /** Dispatches a request, and records its denial. The record of a call that names an item is an audit record itself. */
  async dispatch(source: RequestSource, inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.dispatcher.dispatch(inbound, sink, signal);
    if (outcome.kind === 'error' && isDenial(outcome) && inbound.record?.item === undefined) {
      const reason = `${inbound.request.method}: ${outcome.error.message}`;
      this.record(source, inbound.caller, { status: outcome.httpStatus ?? 403, reason });
    }
    return outcome;
  }

  private record(source: RequestSource, caller: Caller | undefined, refusal: Refusal): void {
    this.log.recordRefusal({ ...describeCaller(caller), ...describeSource(source), ...refusal });
  }
}

/** Errors of servers have no HTTP status here, whatever their code is. */
const isDenial = ({ error, httpStatus }: Extract<Outcome, { kind: 'error' }>): boolean =>
  httpStatus === 403 && error.code === GatewayCode.deniedByPolicy;
