import type { CallRecord } from '#lib/extension-kit';
import { GatewayCode, LIST_MEMBERS, RpcCode } from '#lib/mcp-protocol';
import { TelemetrySink } from '../telemetry/index.js';
import { CONVENTION_BUCKETS } from './buckets.js';
import { CallSeries, type CallLabels, type CallMeters } from './call-series.js';
import { LabelValues, MAX_SERVER_SERIES, OTHER } from './label-values.js';
import type { Meters, Series } from './meters.js';

/** Maximum number of pairs of server and tool that have a series of their own. */
const MAX_TOOL_SERIES = 1_000;

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

const TOO_MANY_REQUESTS_STATUS = 429;
/** -31003 because of what this caller or this address sent. */
const TOO_MANY_REQUESTS = 'too_many_requests';

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
  labels: ['reason', 'server', 'http_status'],
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

/** Maximum number of groups of calls whose series are remembered. Those of others are found again for each call. */
const MAX_REMEMBERED = 2_000;

/** Counts and measures the requests of clients. */
export class CallMetrics extends TelemetrySink {
  private readonly servers = new LabelValues(MAX_SERVER_SERIES);
  private readonly tools = new LabelValues(MAX_TOOL_SERIES);
  private readonly meters: CallMeters;
  /** By server and item: texts that exist anyway, so that a call needs no key of its own. */
  private readonly remembered = new Map<string | undefined, Map<string | undefined, CallSeries[]>>();
  private rememberedCount = 0;

  constructor(meters: Meters) {
    super();
    this.meters = {
      operations: meters.histogram(OPERATIONS, CONVENTION_BUCKETS),
      serverOperations: meters.histogram(SERVER_OPERATIONS, CONVENTION_BUCKETS),
      own: meters.histogram(OWN, OWN_BUCKETS),
      requests: meters.counter(REQUESTS),
      toolCalls: meters.counter(TOOL_CALLS),
      refusals: meters.counter(REFUSALS),
      forwarded: meters.counter(FORWARDED),
      bytes: meters.counter(BYTES),
    };
  }

  record(record: CallRecord): void {
    const alike = this.remembered.get(record.server)?.get(record.item);
    const series = alike?.find((each) => each.contain(record)) ?? this.remember(record);
    series.record(record);
    if (record.method === 'tools/call') (series.toolCalls ?? this.findToolCalls(record, series)).record(1);
  }

  private remember(record: CallRecord): CallSeries {
    const { server, item } = record;
    const series = new CallSeries(record, this.meters, this.toLabels(record));
    if (this.rememberedCount >= MAX_REMEMBERED) this.forget();
    this.rememberedCount += 1;
    const ofServer = this.remembered.get(server) ?? new Map<string | undefined, CallSeries[]>();
    this.remembered.set(server, ofServer.set(item, [...(ofServer.get(item) ?? []), series]));
    return series;
  }

  private forget(): void {
    this.remembered.clear();
    this.rememberedCount = 0;
  }

  private toLabels(record: CallRecord): CallLabels {
    const { method, server } = record;
    return {
      method: toMethodLabel(method),
      errorType: toErrorType(record),
      server: server === undefined ? '' : this.servers.of(server),
      isOperation: method !== LISTEN_METHOD,
    };
  }

  private findToolCalls(record: CallRecord, series: CallSeries): Series {
    const tool = this.toToolLabel(record);
    const { server, errorType } = series.labels;
    const { outcome } = record;
    const found = this.meters.toolCalls.series({ server, tool, outcome, error_type: errorType });
    // A tool that has no label of its own may get one later.
    if (tool !== OTHER) series.toolCalls = found;
    return found;
  }

  /** Clients choose the names of tools that do not exist, so a tool has a series once its server was called with it. */
  private toToolLabel({ server, serverEra, item }: CallRecord): string {
    const name = `${server} ${item}`;
    if (serverEra !== undefined && item !== undefined) this.tools.of(name);
    return item !== undefined && this.tools.has(name) ? item : OTHER;
  }
}

/** Empty for a request that its header does not name; `other` for a method that the gateway does not know. */
function toMethodLabel(method: string | undefined): string {
  if (method === undefined) return '';
  return METHODS.has(method) ? method : OTHER;
}

/**
 * The name of the code, `tool_error`, or empty for a success. Servers may choose any code of their own. A refusal that its caller
 * caused has another value than a lack of capacity: operators must mend only the latter.
 */
function toErrorType({ code, isToolError, errorStatus }: CallRecord): string {
  if (isToolError) return 'tool_error';
  if (code === GatewayCode.overloaded && errorStatus === TOO_MANY_REQUESTS_STATUS) return TOO_MANY_REQUESTS;
  return code === undefined ? '' : (ERROR_TYPES.get(code) ?? OTHER);
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
