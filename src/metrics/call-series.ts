import type { CallRecord } from '#lib/extension-kit';
import type { Meter, Series } from './meters.js';

const MILLISECONDS = 1_000;

/** The metrics of calls. */
export interface CallMeters {
  readonly operations: Meter;
  readonly serverOperations: Meter;
  readonly own: Meter;
  readonly requests: Meter;
  readonly toolCalls: Meter;
  readonly refusals: Meter;
  readonly forwarded: Meter;
  readonly bytes: Meter;
}

/** The labels that need more than a member of the record. */
export interface CallLabels {
  readonly method: string;
  readonly errorType: string;
  readonly server: string;
  /** False for a subscription: its duration is not that of an operation. */
  readonly isOperation: boolean;
}

/** The series to which calls with the same labels belong, so that they are found once. */
export class CallSeries {
  private readonly operations: Series | undefined;
  private readonly own: Series | undefined;
  private readonly requests: Series;
  private readonly refusals: Series | undefined;
  private readonly forwarded: Series | undefined;
  /** Undefined until a call has a value. */
  private serverOperations: Series | undefined;
  private bytesIn: Series | undefined;
  private bytesOut: Series | undefined;
  /** Undefined: not found yet. */
  toolCalls: Series | undefined;

  constructor(
    /** One of the calls. */
    private readonly example: CallRecord,
    private readonly meters: CallMeters,
    readonly labels: CallLabels,
  ) {
    const { outcome, httpStatus = '', isGatewayError, forwardedTo } = example;
    const { method, errorType, server, isOperation } = labels;
    if (isOperation) {
      this.operations = meters.operations.series({ mcp_method_name: method, error_type: errorType });
      this.own = meters.own.series({ forwarded: String(isForwarded(example)) });
    }
    this.requests = meters.requests.series({
      transport: example.transport,
      client_era: example.clientEra ?? '',
      server_era: example.serverEra ?? '',
      server,
      outcome,
      error_type: errorType,
    });
    if (isGatewayError && outcome === 'not_executed')
      this.refusals = meters.refusals.series({ reason: errorType, server, http_status: String(httpStatus) });
    if (forwardedTo !== undefined) this.forwarded = meters.forwarded.series({ outcome });
  }

  /** True if the call belongs to these series. It is one of the same item of the same server. */
  contain(other: CallRecord): boolean {
    const { example } = this;
    return (
      example.method === other.method &&
      example.transport === other.transport &&
      example.clientEra === other.clientEra &&
      example.serverEra === other.serverEra &&
      example.outcome === other.outcome &&
      example.code === other.code &&
      example.isToolError === other.isToolError &&
      example.isGatewayError === other.isGatewayError &&
      example.errorStatus === other.errorStatus &&
      example.httpStatus === other.httpStatus &&
      (example.forwardedTo === undefined) === (other.forwardedTo === undefined) &&
      isForwarded(example) === isForwarded(other)
    );
  }

  record({ totalMs, ownMs, serverMs, bytesIn, bytesOut }: CallRecord): void {
    this.requests.record(1);
    this.operations?.record(totalMs / MILLISECONDS);
    this.own?.record(ownMs / MILLISECONDS);
    if (serverMs > 0) this.recordServer(serverMs);
    this.refusals?.record(1);
    this.forwarded?.record(1);
    const { bytes } = this.meters;
    if (bytesIn !== undefined) (this.bytesIn ??= bytes.series({ direction: 'in' })).record(bytesIn);
    if (bytesOut !== undefined) (this.bytesOut ??= bytes.series({ direction: 'out' })).record(bytesOut);
  }

  private recordServer(serverMs: number): void {
    const { method, errorType, server, isOperation } = this.labels;
    if (!isOperation || server === '') return;
    const labels = { mcp_method_name: method, error_type: errorType, server };
    (this.serverOperations ??= this.meters.serverOperations.series(labels)).record(serverMs / MILLISECONDS);
  }
}

const isForwarded = ({ forwardedTo, forwardedFrom }: CallRecord): boolean =>
  forwardedTo !== undefined || forwardedFrom !== undefined;
