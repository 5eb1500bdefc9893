import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SpanKind } from '@opentelemetry/api';
import { result, type JsonObject, type JsonValue, type Question } from '#lib/mcp-protocol';
import type { Respond } from '../../../test/support/fake-upstream.js';
import { modern, type HttpWorld } from '../../../test/support/http-world.js';
import { contextIn, finishedSpans, forgetSpans, onlySpan, openTracedWorld, toContextText } from './tracing-fixture.js';

const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const QUESTION: Question = { method: 'elicitation/create', params: { message: '?', requestedSchema: {} } };
const ACCEPTED = { action: 'accept', content: {} };
const SERVERS_OWN = '00-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-b7ad6b7169203331-01';

let world: HttpWorld;

beforeAll(async () => {
  Logger.overrideLogger(false);
  world = await openTracedWorld();
});

afterEach(() => {
  world.connector.respond = () => result({});
  forgetSpans();
});

afterAll(async () => {
  await world.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

/** A live question during a call. */
const asking =
  (question = QUESTION): Respond =>
  async ({ request, reply, signal }) => {
    if (request.method !== 'tools/call') return result({});
    await reply.answerQuestion(question, signal);
    return result({ content: [] });
  };

/** A replayable question: the call ends with it until it is repeated with an answer. */
const requiring =
  (requestState?: string): Respond =>
  ({ request }) => {
    if (request.method !== 'tools/call' || request.params['inputResponses']) return result({ content: [] });
    const inputRequests = { one: QUESTION as unknown as JsonObject };
    return result({ resultType: 'input_required', inputRequests, ...(requestState !== undefined && { requestState }) });
  };

/** Calls a tool in a session, answers the question on the stream, and returns the question. */
async function callInSession(server: string, answer: JsonObject = { result: ACCEPTED }): Promise<Question> {
  const headers = await world.session();
  forgetSpans();
  const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: `${server}__pay`, arguments: {} } };
  const stream = await world.stream('POST', '/mcp', { headers }, call);
  const { id = null, method, params } = await stream.message();
  await world.post('/mcp', { jsonrpc: '2.0', id, ...answer }, { headers });
  await stream.rest();
  return { method: method as string, params: params as JsonObject };
}

function callModern(server: string, more: JsonObject = {}) {
  const { message, headers } = modern(1, 'tools/call', { name: `${server}__pay`, arguments: {}, ...more });
  const _meta = { ...message.params._meta, [CAPABILITIES]: { elicitation: { form: {} } } };
  return world.post('/mcp', { ...message, params: { ...message.params, _meta } }, { headers });
}

/** Calls a tool, and repeats the call with an answer. */
async function callTwice(server: string): Promise<void> {
  const first = (await callModern(server)).json['result'] as Record<string, JsonValue>;
  const { requestState, inputRequests } = first;
  const [key = ''] = Object.keys(inputRequests as JsonObject);
  await callModern(server, {
    ...(requestState !== undefined && { requestState }),
    inputResponses: { [key]: ACCEPTED },
  });
}

const question = () => onlySpan('elicitation/create', SpanKind.CLIENT);
const requests = (kind: SpanKind) =>
  finishedSpans().filter((span) => span.name === 'tools/call pay' && span.kind === kind);

describe('the span of a question', () => {
  it('that a legacy server asks a legacy client is below the request to the server, and the question carries it', async () => {
    world.connector.respond = asking();
    const sent = await callInSession('a');
    const [own] = requests(SpanKind.SERVER);
    const [upstream] = requests(SpanKind.CLIENT);
    expect(question()).toMatchObject({
      parent: { spanId: upstream?.context.spanId },
      context: { traceId: own?.context.traceId },
      attributes: { 'mcp.method.name': 'elicitation/create', 'isthmus.server': 'a' },
      status: { code: 0 },
    });
    expect(contextIn(sent)).toBe(toContextText(question()));
  });

  it('is below the span of the server, if the server sends its context', async () => {
    world.connector.respond = asking({
      ...QUESTION,
      params: { ...QUESTION.params, _meta: { traceparent: SERVERS_OWN } },
    });
    await callInSession('a');
    expect(question()).toMatchObject({ parent: { spanId: SERVERS_OWN.slice(36, 52) } });
  });

  it('that a modern server asks a legacy client is below the request of the client, and so is the repetition', async () => {
    world.connector.respond = requiring('state');
    const sent = await callInSession('m');
    const [own] = requests(SpanKind.SERVER);
    expect(question()).toMatchObject({ parent: { spanId: own?.context.spanId } });
    expect(contextIn(sent)).toBe(toContextText(question()));
    expect(requests(SpanKind.CLIENT)).toHaveLength(2);
    for (const { parent } of requests(SpanKind.CLIENT)) expect(parent?.spanId).toBe(own?.context.spanId);
  });

  it('that a legacy server asks a modern client ends when the repetition of the parked call answers it', async () => {
    world.connector.respond = asking();
    await callTwice('a');
    const [first] = requests(SpanKind.SERVER);
    const [upstream, ...others] = requests(SpanKind.CLIENT);
    expect(others).toEqual([]);
    expect(question()).toMatchObject({
      parent: { spanId: upstream?.context.spanId },
      context: { traceId: first?.context.traceId },
    });
  });

  it('that passes from a modern server to a modern client belongs to the first request, and the repetition is linked', async () => {
    world.connector.respond = requiring('state');
    await callTwice('m');
    const [first, second] = requests(SpanKind.SERVER);
    expect(question()).toMatchObject({ parent: { spanId: first?.context.spanId } });
    expect(second?.links).toMatchObject([{ context: { spanId: first?.context.spanId } }]);
    expect(second?.context.traceId).not.toBe(first?.context.traceId);
  });

  it('exists without a request state, too', async () => {
    world.connector.respond = requiring();
    await callTwice('m');
    const [first] = requests(SpanKind.SERVER);
    expect(question()).toMatchObject({ parent: { spanId: first?.context.spanId } });
  });

  it('has the code of an error with which the client answers', async () => {
    world.connector.respond = asking();
    await callInSession('a', { error: { code: -1, message: 'User rejected SECRET' } });
    expect(question()).toMatchObject({ attributes: { 'error.type': '-1' }, status: { code: 2 } });
    expect(JSON.stringify(question().attributes)).not.toContain('SECRET');
  });

  it('says that a question was withdrawn', async () => {
    world.connector.respond = async ({ reply }) => {
      const control = new AbortController();
      const answer = reply.answerQuestion(QUESTION, control.signal);
      setImmediate(() => control.abort());
      await answer.catch(() => undefined);
      return result({ content: [] });
    };
    await callModern('a');
    expect(question()).toMatchObject({ attributes: { 'error.type': 'unanswered' }, status: { code: 2 } });
  });

  it('outside any call begins a trace, or continues that of the server', async () => {
    const headers = await world.session('/servers/a/mcp');
    const stream = await world.stream('GET', '/servers/a/mcp', {
      headers: { ...headers, accept: 'text/event-stream' },
    });
    const answer = world.connector.live
      .at(-1)
      ?.ask({ method: 'roots/list', params: { _meta: { traceparent: SERVERS_OWN } } });
    const { id = null } = await stream.message();
    await world.post('/servers/a/mcp', { jsonrpc: '2.0', id, result: { roots: [] } }, { headers });
    expect(await answer).toEqual({ result: { roots: [] } });
    expect(onlySpan('roots/list', SpanKind.CLIENT)).toMatchObject({ parent: { spanId: SERVERS_OWN.slice(36, 52) } });
    await stream.cancel();
  });
});
