import { GatewayCode, LIST_MEMBERS, RpcCode } from '#lib/mcp-protocol';
import { CallRecordSink, type CallRecord } from '../telemetry/index.js';
import { LabelValues, OTHER } from './label-values.js';
import type { Meter, Meters } from './meters.js';

/** Maximum number of pairs of server and tool that have a series of their own. */
const MAX_TOOL_SERIES = 1_000;
/** Maximum number of servers that have a series of their own. */
const MAX_SERVER_SERIES = 1_000;

/** Buckets of the OpenTelemetry conventions for MCP, in seconds. */
const OPERATION_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
const OWN_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];

const METHODS: ReadonlySet<string> = new Set([
  ...Object.keys(LIST_MEMBERS),
  'initialize',
  'ping',
  'tools/call',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'logging/setLevel',
  'server/discover',
  'subscriptions/listen',
]);
/** Its duration is that of a subscription, not of an operation. */
const LISTEN_METHOD = 'subscriptions/listen';

const ERROR_TYPES: ReadonlyMap<number, string> = new Map(
  Object.entries({ ...RpcCode, ...GatewayCode }).map(([name, code]) => [code, toSnakeCase(name)]),
);

const OPERATIONS = {
  name: 'mcp_server_operation_duration_seconds',
  help: 'Duration of requests of clients, as the gateway answered them.',
  labels: ['mcp_method_name', 'error_type'],
} as const;
const SERVER_OPERATIONS = {
  name: 'mcp_client_operation_duration_seconds',
  help: 'Time in which requests of clients waited for a server.',
  labels: ['mcp_method_name', 'error_type', 'server'],
} as const;
const OWN = {
  name: 'isthmus_own_duration_seconds',
  help: 'Share of the gateway in the duration of requests: without servers and without answers of clients.',
  labels: ['forwarded'],
} as const;
const REQUESTS = {
  name: 'isthmus_requests_total',
  help: 'Requests of clients.',
  labels: ['transport', 'client_era', 'server_era', 'server', 'outcome', 'error_type'],
} as const;
const TOOL_CALLS = {
  name: 'isthmus_tool_calls_total',
  help: `Calls of tools. After ${MAX_TOOL_SERIES} different tools, new ones are counted as "${OTHER}".`,
  labels: ['server', 'tool', 'outcome', 'error_type'],
} as const;
const REFUSALS = {
  name: 'isthmus_refusals_total',
  help: 'Requests that the gateway did not execute.',
  labels: ['reason', 'http_status'],
} as const;
const FORWARDED = {
  name: 'isthmus_forwarded_requests_total',
  help: 'Requests that another worker ran.',
  labels: ['outcome'],
} as const;
const BYTES = {
  name: 'isthmus_bytes_total',
  help: 'Bytes of request bodies (in) and response messages (out).',
  labels: ['direction'],
} as const;

/** Counts and measures the requests of clients. */
export class CallMetrics extends CallRecordSink {
  private readonly servers = new LabelValues(MAX_SERVER_SERIES);
  private readonly tools = new LabelValues(MAX_TOOL_SERIES);
  private readonly operations: Meter;
  private readonly serverOperations: Meter;
  private readonly own: Meter;
  private readonly requests: Meter;
  private readonly toolCalls: Meter;
  private readonly refusals: Meter;
  private readonly forwarded: Meter;
  private readonly bytes: Meter;

  constructor(meters: Meters) {
    super();
    this.operations = meters.histogram(OPERATIONS, OPERATION_BUCKETS);
    this.serverOperations = meters.histogram(SERVER_OPERATIONS, OPERATION_BUCKETS);
    this.own = meters.histogram(OWN, OWN_BUCKETS);
    this.requests = meters.counter(REQUESTS);
    this.toolCalls = meters.counter(TOOL_CALLS);
    this.refusals = meters.counter(REFUSALS);
    this.forwarded = meters.counter(FORWARDED);
    this.bytes = meters.counter(BYTES);
  }

  record(record: CallRecord): void {
    const { outcome, forwardedTo, bytesIn, bytesOut, totalMs } = record;
    const method = toMethodLabel(record.method);
    const errorType = toErrorType(record);
    const server = record.server === undefined ? '' : this.servers.of(record.server);
    if (record.method !== LISTEN_METHOD) this.recordDurations(record, { method, errorType, server, totalMs });
    this.requests.record(
      {
        transport: record.transport,
        client_era: record.clientEra ?? '',
        server_era: record.serverEra ?? '',
        server,
        outcome,
        error_type: errorType,
      },
      1,
    );
    if (record.method === 'tools/call') this.recordTool(record, server, errorType);
    if (record.isGatewayError && outcome === 'not_executed')
      this.refusals.record({ reason: errorType, http_status: String(record.httpStatus ?? '') }, 1);
    if (forwardedTo !== undefined) this.forwarded.record({ outcome }, 1);
    if (bytesIn !== undefined) this.bytes.record({ direction: 'in' }, bytesIn);
    if (bytesOut !== undefined) this.bytes.record({ direction: 'out' }, bytesOut);
  }

  private recordDurations(
    { ownMs, serverMs, forwardedTo, forwardedFrom }: CallRecord,
    { method, errorType, server, totalMs }: DurationLabels,
  ): void {
    const labels = { mcp_method_name: method, error_type: errorType };
    this.operations.record(labels, totalMs / 1_000);
    if (serverMs > 0 && server !== '') this.serverOperations.record({ ...labels, server }, serverMs / 1_000);
    const isForwarded = forwardedTo !== undefined || forwardedFrom !== undefined;
    this.own.record({ forwarded: String(isForwarded) }, ownMs / 1_000);
  }

  /** Only tools of a server have a series: clients choose the names of tools that do not exist. */
  private recordTool({ server, serverEra, item, outcome }: CallRecord, serverLabel: string, errorType: string): void {
    const isReached = serverEra !== undefined && item !== undefined;
    const tool = isReached && this.tools.of(`${server} ${item}`) !== OTHER ? item : OTHER;
    this.toolCalls.record({ server: serverLabel, tool, outcome, error_type: errorType }, 1);
  }
}

interface DurationLabels {
  readonly method: string;
  readonly errorType: string;
  readonly server: string;
  readonly totalMs: number;
}

/** Empty for a request that its header does not name; `other` for a method that the gateway does not know. */
function toMethodLabel(method: string | undefined): string {
  if (method === undefined) return '';
  return METHODS.has(method) ? method : OTHER;
}

/** The name of the code, `tool_error`, or empty for a success. Servers may choose any code of their own. */
function toErrorType({ code, isToolError }: CallRecord): string {
  if (isToolError) return 'tool_error';
  return code === undefined ? '' : (ERROR_TYPES.get(code) ?? OTHER);
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
