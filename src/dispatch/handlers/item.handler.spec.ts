import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { LEGACY_CLIENT, MODERN_CLIENT, remoteServer, unreachable } from '../../../test/support/fake-upstream.js';
import { RecordingSink } from '../../../test/support/recording-sink.js';

const CHOICE = {
  slug: 'desk',
  public: false,
  servers: ['files'],
  tools: ['files__read'],
  prompts: ['files__ask'],
  resources: ['files+file:///open/*'],
};

const worlds: DispatchWorld[] = [];

async function world() {
  const made = await DispatchWorld.open([remoteServer('files', { allowUnknownMethods: true }), remoteServer('mail')], {
    virtualServers: [CHOICE],
  });
  worlds.push(made);
  return { made, connector: made.connector, request: made.request.bind(made) };
}

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
});

const codeOf = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error.code : undefined);

describe('a call of an item', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['tools/call', { name: 'files__read', arguments: { a: 1 } }, { name: 'read', arguments: { a: 1 } }],
    ['prompts/get', { name: 'files__ask' }, { name: 'ask' }],
    ['resources/read', { uri: 'files+file:///a' }, { uri: 'file:///a' }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'files__ask' }, argument: {} },
      { ref: { type: 'ref/prompt', name: 'ask' }, argument: {} },
    ],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'files+file:///{a}' } },
      { ref: { type: 'ref/resource', uri: 'file:///{a}' } },
    ],
  ])('sends %s to the server that has the item, under the item’s own name', async (method, params, own) => {
    const { made, request } = await world();
    expect(await request(method, params)).toMatchObject({ kind: 'result' });
    expect(made.requestsTo('files')).toEqual([[method, own]]);
    expect(made.requestsTo('mail')).toEqual([]);
  });

  it('rewrites resource links in a tool result so that they can be read at the same endpoint', async () => {
    const { connector, request } = await world();
    connector.respond = () => result({ content: [{ type: 'resource_link', uri: 'file:///a', name: 'a' }] });
    expect(await request('tools/call', { name: 'files__read' })).toMatchObject({
      result: { content: [{ uri: 'files+file:///a' }] },
    });
  });

  it('passes params and result through unchanged at a transparent endpoint', async () => {
    const { made, connector, request } = await world();
    const answer = result({ content: [{ type: 'resource_link', uri: 'file:///a', name: 'a' }] });
    connector.respond = () => answer;
    const params = { name: 'a__b', arguments: {} };
    expect(await request('tools/call', params, { endpoint: 'files' })).toEqual({ ...answer, serverEra: 'legacy' });
    expect(made.requestsTo('files')[0]?.[1]).toBe(params);
  });

  it('returns a tool result with `isError` unchanged', async () => {
    const { connector, request } = await world();
    const failed = { content: [{ type: 'text', text: 'no such file' }], isError: true };
    connector.respond = () => result(failed);
    expect(await request('tools/call', { name: 'files__read' })).toMatchObject(result(failed));
  });

  it('returns a server’s error unchanged, and adds a request id to errors of the gateway', async () => {
    const { connector, request } = await world();
    const error = { code: 7, message: 'theirs', data: { outcome: 'odd' } };
    connector.respond = () => ({ kind: 'error', error });
    expect(await request('tools/call', { name: 'files__read' })).toEqual({ kind: 'error', error });
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('mail')));
    expect(await request('tools/call', { name: 'mail__send' })).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', server: 'mail', requestId: expect.any(String) } },
    });
  });
});

describe('a call of an unknown item', () => {
  it.each<[string, JsonObject, number]>([
    ['tools/call', { name: 'read' }, -32602],
    ['tools/call', { name: 'nobody__read' }, -32602],
    ['tools/call', {}, -32602],
    ['tools/call', { name: 7 }, -32602],
    ['prompts/get', { name: 'ask' }, -32602],
    ['resources/read', { uri: 'file:///a' }, -32002],
    ['resources/read', { uri: {} }, -32602],
    ['completion/complete', {}, -32602],
    ['completion/complete', { ref: {} }, -32602],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'ask' } }, -32602],
    ['completion/complete', { ref: { type: 'ref/resource', uri: 'file:///a' } }, -32002],
  ])('rejects %s %j without a request to any server', async (method, params, code) => {
    const { made, request } = await world();
    expect(codeOf(await request(method, params, { client: LEGACY_CLIENT }))).toBe(code);
    expect(made.connector.opened).toEqual([]);
  });

  it('truncates a long item name in the error message', async () => {
    const { request } = await world();
    const outcome = await request('tools/call', { name: 'x'.repeat(100_000) });
    expect(JSON.stringify(outcome).length).toBeLessThan(1_000);
  });

  it('answers a modern client’s read of an unknown resource with -32602', async () => {
    const { request } = await world();
    expect(codeOf(await request('resources/read', { uri: 'a:b' }, { client: MODERN_CLIENT }))).toBe(-32602);
  });
});

describe('a call of an item outside the selection of a virtual server', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['tools/call', { name: 'files__read' }, { name: 'files__write' }],
    ['prompts/get', { name: 'files__ask' }, { name: 'files__tell' }],
    ['resources/read', { uri: 'files+file:///open/a' }, { uri: 'files+file:///closed/a' }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'files__ask' } },
      { ref: { type: 'ref/prompt', name: 'files__tell' } },
    ],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'files+file:///open/{a}' } },
      { ref: { type: 'ref/resource', uri: 'files+file:///closed/{a}' } },
    ],
  ])('rejects %s for an item that the virtual server does not select', async (method, shown, hidden) => {
    const { made, request } = await world();
    expect(await request(method, hidden, { endpoint: 'desk' })).toMatchObject({ kind: 'error' });
    expect(made.requestsTo('files')).toEqual([]);
    expect(await request(method, shown, { endpoint: 'desk' })).toMatchObject({ kind: 'result' });
  });
});

describe('a call of a method unknown to the gateway', () => {
  it('passes an unknown method through at a transparent endpoint, and rejects it elsewhere', async () => {
    const { made, request } = await world();
    expect(await request('acme/x', { a: 1 }, { endpoint: 'files' })).toMatchObject({ kind: 'result' });
    expect(made.requestsTo('files')).toEqual([['acme/x', { a: 1 }]]);
    expect(codeOf(await request('acme/x'))).toBe(-32601);
    expect(codeOf(await request('__proto__'))).toBe(-32601);
  });
});

describe('an unexpected exception', () => {
  it('is reported as an internal error without details', async () => {
    const { connector, request } = await world();
    connector.respond = () => {
      throw new TypeError('secret of the house');
    };
    const outcome = await request('tools/call', { name: 'files__read' });
    expect(outcome).toEqual({ kind: 'error', error: { code: -32603, message: 'Internal error' }, httpStatus: 500 });
  });
});

describe('a running call', () => {
  it('is cancelled by `notifications/cancelled` in a session, and by the disconnect of a client without a session', async () => {
    const { made, connector, request } = await world();
    connector.respond = () => new Promise<Outcome>(() => undefined);
    const session = made.session('files', LEGACY_CLIENT);
    const inSession = request('tools/call', { name: 'x' }, { endpoint: 'files', session });
    const leaving = new AbortController();
    const alone = request('tools/call', { name: 'x' }, { endpoint: 'files', signal: leaving.signal });
    await new Promise(setImmediate);
    await session.cancel(1);
    leaving.abort();
    expect([codeOf(await inSession), codeOf(await alone)]).toEqual([-31002, -31002]);
    expect(connector.opened.flatMap(({ sent }) => sent).every(({ signal }) => signal.aborted)).toBe(true);
  });

  it('is not sent to the server when the client disconnected before', async () => {
    const { connector, request } = await world();
    const outcome = await request('tools/call', { name: 'files__x' }, { signal: AbortSignal.abort() });
    expect(codeOf(outcome)).toBe(-31002);
    expect(connector.opened).toEqual([]);
  });

  it('forwards the server’s notifications before the result', async () => {
    const { connector, request } = await world();
    connector.respond = async ({ reply }) => {
      await reply.notify({ method: 'notifications/progress', params: {} });
      return result({});
    };
    const sink = new RecordingSink();
    await request('tools/call', { name: 'files__x' }, { sink });
    expect(sink.summary).toEqual(['notifications/progress']);
  });
});
