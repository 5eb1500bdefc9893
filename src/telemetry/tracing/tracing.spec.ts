import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SpanKind } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { result, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { remoteServer, unreachable } from '../../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../../test/support/http-world.js';
import { recordOf } from '../call-record-fixture.js';
import { NoTracer } from './call-tracer.js';
import { openTracer } from './open-tracer.js';
import { OtelTracer } from './otel-tracer.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const OTHER_TRACE_ID = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const CLIENT_SPAN = 'b7ad6b7169203331';
const traceparent = (trace = TRACE_ID) => `00-${trace}-${CLIENT_SPAN}-01`;

const exporter = new InMemorySpanExporter();
let world: HttpWorld;

beforeAll(async () => {
  Logger.overrideLogger(false);
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = new OtelTracer(provider.getTracer('spec'), () => provider.shutdown());
  world = await HttpWorld.open([remoteServer('a'), remoteServer('m')], {}, {}, tracer);
  world.connector.eras.set('m', 'modern');
});

afterEach(() => {
  world.connector.respond = () => result({});
  world.records.length = 0;
  exporter.reset();
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

/** The finished spans: first those of requests of clients, then those of requests to servers. */
function spans() {
  return exporter
    .getFinishedSpans()
    .toSorted((a, b) => a.kind - b.kind)
    .map((span) => {
      const { name, kind, links, status, attributes, parentSpanContext: parent } = span;
      return { name, kind, links, status, attributes, parent, context: span.spanContext() };
    });
}

/** The trace contexts that servers received. */
const received = () =>
  world.connector.opened.flatMap(({ sent }) =>
    sent.map(({ request }) => (request.params['_meta'] as JsonObject | undefined)?.['traceparent']),
  );

describe('the trace of a call', () => {
  it('continues the trace in _meta, down to the server, for servers of both eras', async () => {
    for (const server of ['a', 'm']) {
      exporter.reset();
      await call(`${server}__pay`, { traceparent: traceparent() }, {}, { traceparent: traceparent(OTHER_TRACE_ID) });
      // The gateway lists the tools of a modern server before the first call of one.
      const [own, upstream, ...others] = spans().filter(({ name }) => name !== 'tools/list');
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
    expect(spans()[0]).toMatchObject({ context: { traceId: TRACE_ID }, links: [] });
    exporter.reset();
    await call('a__pay', { traceparent: 'broken' });
    const [own] = spans();
    expect(own?.parent).toBeUndefined();
    expect(world.records.at(-1)?.traceId).toBe(own?.context.traceId);
  });

  it('agrees with the record of the call, and contains no arguments', async () => {
    await call('a__pay');
    const [own, upstream] = spans();
    const [record] = world.records;
    expect(own?.attributes).toMatchObject({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'pay',
      'isthmus.request_id': record?.requestId,
      'isthmus.outcome': 'executed',
      'isthmus.server': 'a',
      'http.response.status_code': 200,
    });
    expect(JSON.stringify([own?.attributes, upstream?.attributes])).not.toContain('CANARY');
  });

  it('marks failures with their code, and tools that report their own failure', async () => {
    world.connector.respond = () => unreachable('a');
    await call('a__pay');
    for (const span of spans())
      expect(span).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': '-31004' } });
    exporter.reset();
    world.connector.respond = () => result({ isError: true, content: [] });
    await call('a__pay');
    for (const span of spans()) expect(span).toMatchObject({ attributes: { 'error.type': 'tool_error' } });
    exporter.reset();
    await call('nowhere__pay');
    expect(spans()).toMatchObject([{ kind: 1, attributes: { 'isthmus.outcome': 'not_executed' } }]);
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
    const [first] = spans();
    exporter.reset();
    const [question = ''] = Object.keys(inputRequests as JsonObject);
    await call('a__pay', meta, {
      requestState: requestState ?? null,
      inputResponses: { [question]: { action: 'accept', content: {} } },
    });
    const second = spans().find(({ kind }) => kind === SpanKind.SERVER);
    expect(second?.links).toMatchObject([
      { context: { spanId: first?.context.spanId, traceId: first?.context.traceId } },
    ]);
    expect(second?.context.traceId).not.toBe(first?.context.traceId);
  });
});

describe('the tracer', () => {
  it('exists only with an endpoint', async () => {
    expect(await openTracer({})).toBeInstanceOf(NoTracer);
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
    expect(await openTracer({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBeInstanceOf(NoTracer);
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
    const tracer = await openTracer({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/`,
      OTEL_SERVICE_NAME: 'spec',
    });
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
