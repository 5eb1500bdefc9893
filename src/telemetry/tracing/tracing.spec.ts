import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SpanKind } from '@opentelemetry/api';
import { result, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { startOtlpReceiver } from '#lib/testing/otlp-receiver';
import { freePort } from '#lib/testing/redis-server';
import { unreachable } from '../../../test/support/fake-upstream.js';
import { modern, type HttpWorld } from '../../../test/support/http-world.js';
import { recordOf } from '../call-record-fixture.js';
import { NoTracer } from './call-tracer.js';
import { openTracer } from './open-tracer.js';
import { OtelTracer } from './otel-tracer.js';
import { contextIn, finishedSpans, forgetSpans, onlySpan, openTracedWorld } from './tracing-fixture.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const OTHER_TRACE_ID = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const CLIENT_SPAN = 'b7ad6b7169203331';
const traceparent = (trace = TRACE_ID) => `00-${trace}-${CLIENT_SPAN}-01`;

let world: HttpWorld;

beforeAll(async () => {
  Logger.overrideLogger(false);
  world = await openTracedWorld();
});

afterEach(() => {
  world.connector.respond = () => result({});
  world.records.length = 0;
  forgetSpans();
});

afterAll(async () => {
  await world.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

const META = 'io.modelcontextprotocol/clientCapabilities';

function call(name: string, meta: JsonObject = {}, params: JsonObject = {}, headers: Record<string, string> = {}) {
  const request = modern(1, 'tools/call', { name, arguments: { card: 'CANARY' }, ...params });
  const message = {
    ...request.message,
    params: { ...request.message.params, _meta: { ...request.message.params._meta, ...meta } },
  };
  return world.post('/mcp', message, { headers: { ...request.headers, ...headers } });
}

/** The trace contexts that servers received. */
const received = () => world.connector.opened.flatMap(({ sent }) => sent.map(({ request }) => contextIn(request)));

describe('the trace of a call', () => {
  it('continues the trace in _meta, down to the server, for servers of both eras', async () => {
    for (const server of ['a', 'm']) {
      forgetSpans();
      await call(`${server}__pay`, { traceparent: traceparent() }, {}, { traceparent: traceparent(OTHER_TRACE_ID) });
      // The gateway lists the tools of a modern server before the first call of one.
      const [own, upstream, ...others] = finishedSpans().filter(({ name }) => name !== 'tools/list');
      expect(others).toEqual([]);
      expect(own).toMatchObject({ name: 'tools/call pay', kind: 1, parent: { spanId: CLIENT_SPAN } });
      expect(own?.links).toMatchObject([{ context: { traceId: OTHER_TRACE_ID } }]);
      expect(upstream).toMatchObject({ name: 'tools/call pay', kind: 2, parent: { spanId: own?.context.spanId } });
      expect([own?.context.traceId, upstream?.context.traceId]).toEqual([TRACE_ID, TRACE_ID]);
      expect(received().at(-1)).toBe(`00-${TRACE_ID}-${upstream?.context.spanId}-01`);
      expect(world.records.at(-1)?.traceId).toBe(TRACE_ID);
    }
  });

  it('continues the trace of the HTTP request where _meta has none, and starts one where neither has', async () => {
    await call('a__pay', {}, {}, { traceparent: traceparent() });
    expect(finishedSpans()[0]).toMatchObject({ context: { traceId: TRACE_ID }, links: [] });
    forgetSpans();
    await call('a__pay', { traceparent: 'broken' });
    const [own] = finishedSpans();
    expect(own?.parent).toBeUndefined();
    expect(world.records.at(-1)?.traceId).toBe(own?.context.traceId);
  });

  it('agrees with the record of the call, and contains no arguments', async () => {
    await call('a__pay');
    const [own, upstream] = finishedSpans();
    const [record] = world.records;
    expect(own?.attributes).toMatchObject({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'pay',
      'isthmus.request_id': record?.requestId,
      'isthmus.outcome': 'executed',
      'isthmus.server': 'a',
      'http.response.status_code': 200,
      'gen_ai.operation.name': 'execute_tool',
      'jsonrpc.request.id': '1',
      'mcp.protocol.version': '2026-07-28',
    });
    expect(own?.attributes).not.toHaveProperty('mcp.session.id');
    expect(upstream?.attributes).toMatchObject({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'pay',
      'network.transport': 'tcp',
      'server.address': 'a.example',
      'server.port': 80,
    });
    const [seconds = 0, nanoseconds = 0] = own?.duration ?? [];
    expect(seconds * 1_000 + nanoseconds / 1e6).toBeCloseTo(record?.totalMs ?? 0, 3);
    expect(JSON.stringify([own?.attributes, upstream?.attributes])).not.toContain('CANARY');
  });

  it('marks failures with their code, and tools that report their own failure', async () => {
    world.connector.respond = () => unreachable('a');
    await call('a__pay');
    for (const span of finishedSpans())
      expect(span).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': '-31004' } });
    forgetSpans();
    world.connector.respond = () => result({ isError: true, content: [] });
    await call('a__pay');
    for (const span of finishedSpans()) expect(span).toMatchObject({ attributes: { 'error.type': 'tool_error' } });
    forgetSpans();
    await call('nowhere__pay');
    expect(finishedSpans()).toMatchObject([{ kind: 1, attributes: { 'isthmus.outcome': 'not_executed' } }]);
  });

  it('names a session by a fingerprint, which grants no access', async () => {
    const headers = await world.session();
    const params = { name: 'a__pay', arguments: {} };
    await world.post('/mcp', { jsonrpc: '2.0', id: 'seven', method: 'tools/call', params }, { headers });
    const { attributes } = onlySpan('tools/call pay', SpanKind.SERVER);
    expect(attributes).toMatchObject({
      'mcp.session.id': world.records.at(-1)?.session,
      'jsonrpc.request.id': 'seven',
    });
    expect(headers['mcp-session-id']).not.toContain(String(attributes['mcp.session.id']));
  });

  it('links the repetition of a parked call to its first part', async () => {
    world.connector.respond = async ({ reply, signal }) => {
      await reply.answerQuestion(
        { method: 'elicitation/create', params: { message: '?', requestedSchema: {} } },
        signal,
      );
      return result({ content: [] });
    };
    const meta = { [META]: { elicitation: { form: {} } } };
    const { requestState, inputRequests } = (await call('a__pay', meta)).json['result'] as Record<string, JsonValue>;
    const [first] = finishedSpans();
    forgetSpans();
    const [question = ''] = Object.keys(inputRequests as JsonObject);
    await call('a__pay', meta, {
      requestState: requestState ?? null,
      inputResponses: { [question]: { action: 'accept', content: {} } },
    });
    const second = finishedSpans().find(({ kind }) => kind === SpanKind.SERVER);
    expect(second?.links).toMatchObject([
      { context: { spanId: first?.context.spanId, traceId: first?.context.traceId } },
    ]);
    expect(second?.context.traceId).not.toBe(first?.context.traceId);
  });
});

it('contains arguments and results of tools only if the operator opted in', async () => {
  const open = await openTracedWorld({ hasContents: true });
  forgetSpans();
  open.connector.respond = () => result({ content: [{ type: 'text', text: 'the answer' }] });
  const { message, headers } = modern(1, 'tools/call', { name: 'a__pay', arguments: { card: 'CANARY' } });
  await open.post('/mcp', message, { headers });
  const { attributes } = onlySpan('tools/call pay', SpanKind.CLIENT);
  expect(JSON.parse(String(attributes['gen_ai.tool.call.arguments']))).toEqual({ card: 'CANARY' });
  expect(attributes['gen_ai.tool.call.result']).toContain('the answer');
  await open.close();
});

/** Traces that may begin in a second. */
const RATE = 100;

describe('the tracer', () => {
  it('exists only with an endpoint', async () => {
    expect(await openTracer({}, RATE, new ManualClock())).toBeInstanceOf(NoTracer);
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
    expect(await openTracer(endpoint, RATE, new ManualClock())).toBeInstanceOf(OtelTracer);
  });

  it.each([{ OTEL_SDK_DISABLED: 'True' }, { OTEL_TRACES_EXPORTER: 'none' }, { OTEL_TRACES_EXPORTER: 'zipkin' }])(
    'is off with %j',
    async (variables) => {
      const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
      expect(await openTracer({ ...endpoint, ...variables }, RATE, new ManualClock())).toBeInstanceOf(NoTracer);
    },
  );

  it.each([
    [{}, ['01', '00', '01']],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, ['01', '01', '01']],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, ['00', '00', '00']],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, ['01', '00', '00']],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, ['00', '00', '00']],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, ['01', '00', '00']],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'much' }, ['01', '01', '01']],
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, ['01', '00', '01']],
  ])('samples by %j sampled and unsampled parents, and requests without a parent', async (variables, flags) => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
    const tracer = await openTracer({ ...endpoint, ...variables }, RATE, new ManualClock());
    const parents = [traceparent(), traceparent().replace(/01$/, '00'), undefined];
    const contexts = parents.map((parent) =>
      tracer.startRequest({ method: 'ping', at: 0, traceparent: parent, httpTraceparent: undefined }),
    );
    expect(contexts.map((span) => span?.traceparent.slice(-2))).toEqual(flags);
  });

  it('carries the context of a trace that is not sampled on to servers, in which every span has its id', async () => {
    const tracer = await openTracer({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, 0, new ManualClock());
    const begun = tracer.startRequest({ method: 'ping', at: 0, traceparent: undefined, httpTraceparent: undefined });
    const { traceId = '', traceparent: context = '' } = begun ?? {};
    expect(context).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
    const request = { method: 'tools/call', params: { name: 'pay', _meta: { traceparent: context } } };
    const upstream = tracer.startServerRequest({
      server: { slug: 'bank', transport: 'stdio' },
      request,
      revision: '2025-06-18',
    });
    expect(upstream?.traceparent).toContain(`00-${traceId}-`);
    expect(upstream?.traceparent.slice(-2)).toBe('00');
  });

  it('limits the traces that begin here, not those of a client, and lets more begin with time', async () => {
    const clock = new ManualClock();
    const tracer = await openTracer({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, 2, clock);
    const begin = (parent?: string) =>
      tracer
        .startRequest({ method: 'ping', at: 0, traceparent: parent, httpTraceparent: undefined })
        ?.traceparent.slice(-2);
    expect([begin(), begin(), begin()]).toEqual(['01', '01', '00']);
    expect(begin(traceparent())).toBe('01');
    await clock.advance(500);
    expect([begin(), begin()]).toEqual(['01', '00']);
  });

  it('stops waiting for a collector that does not answer after two seconds', async () => {
    const sockets: Socket[] = [];
    const collector = createServer().listen(0, '127.0.0.1');
    collector.on('connection', (socket) => sockets.push(socket));
    await once(collector, 'listening');
    const { port } = collector.address() as AddressInfo;
    const clock = new ManualClock();
    const tracer = await openTracer({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` }, RATE, clock);
    const request = { method: 'ping', at: 0, traceparent: undefined, httpTraceparent: undefined };
    tracer.startRequest(request)?.end(recordOf());
    let isClosed = false;
    const closing = tracer.close().then(() => (isClosed = true));
    await once(collector, 'request');
    await clock.advance(1_999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    await closing;
    for (const socket of sockets) socket.destroy();
    collector.close();
  });

  it('says that the last spans are lost when the collector cannot be reached', async () => {
    const lines: string[] = [];
    const logger = Object.assign(new Logger(), { warn: (line: string) => void lines.push(line) });
    const port = await freePort();
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
    const clock = new ManualClock();
    const tracer = await openTracer(endpoint, RATE, clock, logger);
    const request = { method: 'ping', at: 0, traceparent: undefined, httpTraceparent: undefined };
    tracer.startRequest(request)?.end(recordOf());
    const closing = tracer.close();
    await clock.advance(2_000);
    await closing;
    expect(lines).toEqual([expect.stringMatching(/^The last spans were not exported: /)]);
  });

  it('exports its spans after OTEL_BSP_SCHEDULE_DELAY milliseconds', async () => {
    const receiver = await startOtlpReceiver();
    const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '1' };
    const tracer = await openTracer(variables, RATE, new ManualClock());
    const request = { method: 'ping', at: 0, traceparent: undefined, httpTraceparent: undefined };
    tracer.startRequest(request)?.end(recordOf());
    await receiver.until((spans) => spans.length > 0);
    expect(receiver.spans).toMatchObject([{ name: 'tools/call pay', kind: 'server' }]);
    await tracer.close();
    await receiver.close();
  });

  it('exports its spans to the endpoint when the gateway stops', async () => {
    const requests: { url: string | undefined; type: string | undefined; body: string }[] = [];
    const collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url, headers } = request;
        requests.push({ url, type: headers['content-type'], body: Buffer.concat(chunks).toString('latin1') });
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const { port } = collector.address() as AddressInfo;
    const tracer = await openTracer(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/`,
        OTEL_SERVICE_NAME: 'spec',
      },
      RATE,
      new ManualClock(),
    );
    tracer
      .startRequest({ method: 'tools/call', at: Date.now(), traceparent: undefined, httpTraceparent: undefined })
      ?.end(recordOf());
    await tracer.close();
    collector.closeAllConnections();
    collector.close();
    expect(requests).toMatchObject([{ url: '/v1/traces', type: 'application/x-protobuf' }]);
    expect(requests[0]?.body).toContain('tools/call pay');
    expect(requests[0]?.body).toContain('spec');
  });
});
