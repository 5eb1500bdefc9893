/** @waits */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '#lib/testing/otlp-receiver';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { ModernRawClient } from '#lib/testing/raw-client';
import type { ClusterWorker } from '../support/cluster.js';
import { CallAccounts, type CallLine, type Growth } from '../support/call-accounts.js';
import { EventReader } from '../support/event-reader.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

const METRICS_TOKEN = 'token-of-the-metrics-reader-00000';
/** Admits one call of this tool. */
const LIMITS = { once: { servers: ['modern'], tools: ['throw_error'], rate: '1/1h' } };
const CAPABILITIES = { elicitation: { form: {} } };
const ACCEPTED: JsonObject = { action: 'accept', content: { name: 'Ada' } };

let receiver: OtlpReceiver;
let redis: RunningRedis;
let world: WiredCluster;
let accounts: CallAccounts;

beforeAll(async () => {
  [receiver, redis] = await Promise.all([startOtlpReceiver(), startRedis()]);
  const env = {
    ISTHMUS_REDIS_URL: redis.url,
    ISTHMUS_LOG_FORMAT: 'json',
    ISTHMUS_METRICS_TOKEN: METRICS_TOKEN,
    ISTHMUS_AUDIT_CALLS: 'all',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  };
  world = await startWiredCluster({ workers: [env, env], limits: LIMITS });
  accounts = new CallAccounts(world.cluster, workers(), METRICS_TOKEN);
});

afterAll(async () => {
  await world.close();
  await redis.stop();
  await receiver.close();
});

const workers = (): readonly ClusterWorker[] => [world.owner, world.other];

const newTrace = () => randomBytes(16).toString('hex');
const CLIENT_SPAN = 'b7ad6b7169203331';
const metaOf = (trace: string): JsonObject => ({ traceparent: `00-${trace}-${CLIENT_SPAN}-01` });

const toolCall = (trace: string, name: string): JsonObject => ({
  jsonrpc: '2.0',
  id: trace,
  method: 'tools/call',
  params: { name, arguments: { text: 'hello', name: 'x' }, _meta: metaOf(trace) },
});

/** A call of a session that the first worker owns, sent to a worker. Answers the questions of the server. */
async function callInSession(path: string, worker: ClusterWorker, trace: string, tool: string): Promise<void> {
  const client = await world.initialize(world.owner, { path, capabilities: CAPABILITIES });
  const response = await client.post(worker, toolCall(trace, tool));
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true)
    return void (await response.text());
  const reader = new EventReader(response);
  for (;;) {
    const { id = null, method } = await reader.message();
    if (method === undefined) return;
    if (id !== null) await client.post(worker, { jsonrpc: '2.0', id, result: ACCEPTED });
  }
}

async function callModern(
  path: string,
  worker: ClusterWorker,
  trace: string,
  tool: string,
  more: JsonObject = {},
): Promise<JsonObject> {
  const client = new ModernRawClient(`${worker.url}${path}/mcp`, { token: world.token, capabilities: CAPABILITIES });
  const { params } = toolCall(trace, tool) as { params: JsonObject };
  const { answers } = await client.request('tools/call', { ...params, ...more });
  await client.close();
  return answers[0] ?? {};
}

/** The spans of a trace without those of lists, which a worker reads again within the trace of a call when they are too old. */
const spansOf = (trace: string): ReceivedSpan[] =>
  receiver.spans.filter(({ traceId, name }) => traceId === trace && name !== 'tools/list');

/** The spans of a trace, once those of all its requests have arrived. */
async function spansWhenComplete(trace: string, serverSpans: number, clientSpans: number): Promise<ReceivedSpan[]> {
  const count = (kind: ReceivedSpan['kind']) => spansOf(trace).filter((span) => span.kind === kind).length;
  await receiver.until(() => count('server') >= serverSpans && count('client') >= clientSpans);
  expect([count('server'), count('client')]).toEqual([serverSpans, clientSpans]);
  return spansOf(trace);
}

/** Checks that the span of a request and the line of its record tell the same. */
function expectSameSpan(line: CallLine, span: ReceivedSpan | undefined): void {
  expect(span?.attributes).toMatchObject({
    'mcp.method.name': line['method'],
    'isthmus.request_id': line.requestId,
    'isthmus.worker': line['worker'],
    'isthmus.outcome': line['outcome'],
    'isthmus.endpoint': line['endpoint'],
  });
  const errorType = line['toolError'] === true ? 'tool_error' : line.code?.toString();
  expect(span?.attributes['error.type']).toBe(errorType);
  expect(span?.attributes['isthmus.forwarded_to']).toBe(line['forwardedTo']);
  const { ownMs, serverMs = 0, clientMs = 0, totalMs } = line as unknown as Record<string, number>;
  expect(Math.abs((ownMs ?? 0) + serverMs + clientMs - (totalMs ?? 0))).toBeLessThan(0.03);
  expect(Math.abs((span?.durationMs ?? 0) - line.totalMs)).toBeLessThan(0.02);
}

/** Checks that exactly one audit record exists of a call, and that it tells the same as the line. */
async function expectSameAuditRecord(line: CallLine): Promise<JsonObject> {
  const { call, chain, ...record } = await accounts.onlyAuditRecordOf(line.requestId);
  const { issuer, subject, token } = line;
  expect(record).toMatchObject({ issuer, subject, ...(token !== undefined && { token }) });
  // Errors of calls are often sent with HTTP 200 (ADR 1); the record of a refusal has the status of its error.
  expect(record['status']).toBe(record['outcome'] === 'refused' ? 429 : line.httpStatus);
  expect(chain).toMatchObject({ worker: line['worker'] });
  const { argumentsDigest, ...described } = call;
  expect(argumentsDigest).toEqual(expect.any(String));
  expect(described).toEqual(toAuditedCall(line));
  return record;
}

/** What an audit record contains of the line of a call. */
function toAuditedCall(line: CallLine): JsonObject {
  const { requestId, traceId, session, transport, endpoint, server, item, method, outcome, code, toolError } = line;
  const { clientEra, serverEra, parkedCall, forwardedTo, forwardedFrom, totalMs, serverMs, clientMs } = line;
  const described = { requestId, traceId, session, transport, endpoint, server, item, code };
  const renamed = { rpcMethod: method, execution: outcome, isToolError: toolError };
  const more = { clientEra, serverEra, parkedCall, forwardedTo, forwardedFrom, totalMs, serverMs, clientMs };
  return JSON.parse(JSON.stringify({ ...described, ...renamed, ...more })) as JsonObject;
}

async function expectAgreement(line: CallLine, span: ReceivedSpan | undefined): Promise<void> {
  expectSameSpan(line, span);
  await expectSameAuditRecord(line);
}

/** How far a sum of durations may be from that of a line, which is rounded to hundredths. */
const ROUNDED_MS = 0.006;
/** Usage is reported in whole milliseconds, before and after the call. */
const ROUNDED_USAGE_MS = 1.006;

/** Checks that the metrics and the usage grew by this call and by nothing else. */
function expectGrowth({ metric, usage }: Growth, line: CallLine, errorType = ''): void {
  const { serverMs, bytesIn, bytesOut, server, item, outcome, httpStatus } = line;
  const isForwarded = line['forwardedTo'] !== undefined;
  const labels = { mcp_method_name: 'tools/call', error_type: errorType };
  const expectDuration = (name: string, ofName: Record<string, string>, ms: number) => {
    expect([name, metric(`${name}_count`, ofName)]).toEqual([name, 1]);
    expect(Math.abs(metric(`${name}_sum`, ofName) * 1_000 - ms)).toBeLessThan(ROUNDED_MS);
  };
  expectDuration('mcp_server_operation_duration_seconds', labels, line.totalMs);
  if (serverMs > 0) expectDuration('mcp_client_operation_duration_seconds', { ...labels, server }, serverMs);
  else expect(metric('mcp_client_operation_duration_seconds_count', { server })).toBe(0);
  if (isForwarded) expectDuration('isthmus_own_duration_seconds', { forwarded: 'true' }, line.ownMs);
  expect(metric('isthmus_tool_calls_total')).toBe(1);
  expect(metric('isthmus_tool_calls_total', { server, tool: item, outcome, error_type: errorType })).toBe(1);
  expect(metric('isthmus_forwarded_requests_total', { outcome })).toBe(isForwarded ? 1 : 0);
  const isRefused = outcome === 'not_executed';
  expect(metric('isthmus_refusals_total', { server, http_status: String(httpStatus) })).toBe(isRefused ? 1 : 0);
  const grown = usage('tester', server, item);
  const failed = !isRefused && errorType !== '' ? 1 : 0;
  expect(grown).toMatchObject({ calls: 1, refused: isRefused ? 1 : 0, failed, unknown: 0, bytesIn, bytesOut });
  expect(Math.abs(grown.serverMs - serverMs)).toBeLessThan(ROUNDED_USAGE_MS);
}

const CELLS = [
  { client: 'legacy', server: 'legacy', path: '/servers/ref' },
  { client: 'legacy', server: 'modern', path: '/servers/modern' },
  { client: 'modern', server: 'legacy', path: '/servers/ref' },
  { client: 'modern', server: 'modern', path: '/servers/modern' },
] as const;

describe('the log, the metrics, the usage, the audit log and the trace of a call agree', () => {
  it.each(CELLS)('for a $client client and a $server server, at either worker', async ({ client, server, path }) => {
    const send = client === 'legacy' ? callInSession : callModern;
    const traces = new Map(workers().map((worker) => [worker, newTrace()]));
    for (const [worker, trace] of traces) {
      // The tools of the server are read before, so that only the call counts.
      await send(path, worker, newTrace(), 'echo');
      const isForwarded = client === 'legacy' && worker === world.other;
      const grown = await accounts.grownBy(async () => {
        await send(path, worker, trace, 'echo');
        await accounts.onlyLineOf(trace);
      });
      const line = await accounts.onlyLineOf(trace);
      expect(line).toMatchObject({ outcome: 'executed', httpStatus: 200, item: 'echo' });
      expect(line).toMatchObject({ clientEra: client, serverEra: server });
      expect(line['forwardedTo'] !== undefined).toBe(isForwarded);
      expectGrowth(grown, line);
    }
    for (const trace of traces.values()) {
      const line = await accounts.onlyLineOf(trace);
      const spans = await spansWhenComplete(trace, 1, 1);
      const own = spans.find(({ kind }) => kind === 'server');
      const upstream = spans.find(({ kind }) => kind === 'client');
      await expectAgreement(line, own);
      expect(own).toMatchObject({ name: 'tools/call echo', parentSpanId: CLIENT_SPAN, hasFailed: false });
      expect(upstream).toMatchObject({ name: 'tools/call echo', parentSpanId: own?.spanId });
      expect(upstream?.durationMs).toBeLessThanOrEqual(line.totalMs);
    }
  });

  it('for a call whose tool fails, and for one that a limit refuses', async () => {
    await callModern('/servers/modern', world.owner, newTrace(), 'echo');
    for (const [errorType, outcome] of [
      ['tool_error', 'executed'],
      ['too_many_requests', 'not_executed'],
    ] as const) {
      const trace = newTrace();
      const grown = await accounts.grownBy(async () => {
        await callModern('/servers/modern', world.owner, trace, 'throw_error');
        await accounts.onlyLineOf(trace);
      });
      const line = await accounts.onlyLineOf(trace);
      expect(line).toMatchObject({ outcome, server: 'modern', item: 'throw_error' });
      expectGrowth(grown, line, errorType);
      const spans = await spansWhenComplete(trace, 1, outcome === 'executed' ? 1 : 0);
      const own = spans.find(({ kind }) => kind === 'server');
      expectSameSpan(line, own);
      expect(own).toMatchObject({ hasFailed: true, parentSpanId: CLIENT_SPAN });
      const record = await expectSameAuditRecord(line);
      expect(record).toMatchObject({ outcome: outcome === 'executed' ? 'failed' : 'refused' });
    }
  });

  it('for a name that does not exist, which is no use of an item', async () => {
    const trace = newTrace();
    const { metric } = await accounts.grownBy(async () => {
      await callModern('', world.owner, trace, 'nowhere__tool');
      await accounts.onlyLineOf(trace);
    });
    const line = await accounts.onlyLineOf(trace);
    expect(line).toMatchObject({ outcome: 'not_executed', code: -32_602 });
    expect(metric('isthmus_refusals_total')).toBe(1);
    const [own] = await spansWhenComplete(trace, 1, 0);
    expectSameSpan(line, own);
    expect(own).toMatchObject({ hasFailed: true, parentSpanId: CLIENT_SPAN });
    // The worker writes its records in the order of its calls.
    const next = newTrace();
    await callModern('/servers/modern', world.owner, next, 'echo');
    await accounts.onlyAuditRecordOf((await accounts.onlyLineOf(next)).requestId);
    expect(await accounts.findAuditRecords(`requestId=${line.requestId}`)).toEqual([]);
  });

  it.each([
    ['bridged, at the owner', '/servers/modern', false, 2],
    ['bridged, forwarded', '/servers/modern', true, 2],
    ['passed through, forwarded', '/servers/ref', true, 1],
  ] as const)('for a question to a legacy client: %s', async (_how, path, isOther, parts) => {
    const trace = newTrace();
    await callInSession(path, isOther ? world.other : world.owner, trace, 'ask_name');
    const line = await accounts.onlyLineOf(trace);
    expect(line).toMatchObject({ outcome: 'executed', clientEra: 'legacy', item: 'ask_name' });
    expect(line['clientMs']).toBeGreaterThan(0);
    const spans = await spansWhenComplete(trace, 1, parts + 1);
    const own = spans.find(({ kind }) => kind === 'server');
    await expectAgreement(line, own);
    expect(spans.filter(({ name }) => name === 'elicitation/create')).toHaveLength(1);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    for (const span of spans) expect(span === own || ids.has(span.parentSpanId)).toBe(true);
  });

  it.each([
    ['parked', '/servers/ref', 1],
    ['replayable', '/servers/modern', 1],
  ] as const)('for a %s call whose repetition arrives at the other worker', async (how, path, parts) => {
    const [first, second] = [newTrace(), newTrace()];
    const { result } = await callModern(path, world.owner, first, 'ask_name');
    const { requestState = null, inputRequests } = result as Record<string, JsonValue>;
    const [key = ''] = Object.keys(inputRequests as JsonObject);
    await callModern(path, world.other, second, 'ask_name', {
      ...(requestState !== null && { requestState }),
      inputResponses: { [key]: ACCEPTED },
    });
    const [begun, continued] = [await accounts.onlyLineOf(first), await accounts.onlyLineOf(second)];
    expect(continued).toMatchObject({ outcome: 'executed', item: 'ask_name', worker: expect.any(String) });
    expect(continued['worker']).not.toBe(begun['worker']);
    expect(continued['parkedCall']).toBe(begun['parkedCall']);
    const firstSpans = await spansWhenComplete(first, 1, parts + 1);
    const own = firstSpans.find(({ kind }) => kind === 'server');
    await expectAgreement(begun, own);
    expect(firstSpans.some(({ name }) => name === 'elicitation/create')).toBe(true);
    const secondSpans = await spansWhenComplete(second, 1, how === 'parked' ? 0 : 1);
    const repetition = secondSpans.find(({ kind }) => kind === 'server');
    await expectAgreement(continued, repetition);
    // Only a request state tells which request asked; this modern server sends none with a single question.
    expect(repetition?.links).toEqual(how === 'parked' ? [own?.spanId] : []);
  });
});
