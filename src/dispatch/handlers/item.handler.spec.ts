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
  const made = await DispatchWorld.open([remoteServer('files'), remoteServer('mail')], { virtualServers: [CHOICE] });
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

describe('an item that is used', () => {
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
  ])('by %s is asked of its server, in the server’s words', async (method, params, own) => {
    const { made, request } = await world();
    expect(await request(method, params)).toMatchObject({ kind: 'result' });
    expect(made.asked('files')).toEqual([[method, own]]);
    expect(made.asked('mail')).toEqual([]);
  });

  it('links to what can be read at the same endpoint', async () => {
    const { connector, request } = await world();
    connector.respond = () => result({ content: [{ type: 'resource_link', uri: 'file:///a', name: 'a' }] });
    expect(await request('tools/call', { name: 'files__read' })).toMatchObject({
      result: { content: [{ uri: 'files+file:///a' }] },
    });
  });

  it('of a transparent endpoint is passed on word for word, both ways', async () => {
    const { made, connector, request } = await world();
    const answer = result({ content: [{ type: 'resource_link', uri: 'file:///a', name: 'a' }] });
    connector.respond = () => answer;
    const params = { name: 'a__b', arguments: {} };
    expect(await request('tools/call', params, { endpoint: 'files' })).toBe(answer);
    expect(made.asked('files')[0]?.[1]).toBe(params);
  });

  it('that fails as a tool is a result, and stays one', async () => {
    const { connector, request } = await world();
    const failed = { content: [{ type: 'text', text: 'no such file' }], isError: true };
    connector.respond = () => result(failed);
    expect(await request('tools/call', { name: 'files__read' })).toEqual(result(failed));
  });

  it('fails with the server’s own error unchanged, with ours under an id that is found in the log', async () => {
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

describe('an item that there is not', () => {
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
    ['completion/complete', { ref: { name: 'ask' } }, -32602],
    ['completion/complete', { ref: { uri: 'file:///a' } }, -32002],
  ])('by %s %j is refused, and no server is asked', async (method, params, code) => {
    const { made, request } = await world();
    expect(codeOf(await request(method, params, { client: LEGACY_CLIENT }))).toBe(code);
    expect(made.connector.opened).toEqual([]);
  });

  it('is not echoed in full', async () => {
    const { request } = await world();
    const outcome = await request('tools/call', { name: 'x'.repeat(100_000) });
    expect(JSON.stringify(outcome).length).toBeLessThan(1_000);
  });

  it('of the resources has the code of the client’s era', async () => {
    const { request } = await world();
    expect(codeOf(await request('resources/read', { uri: 'a:b' }, { client: MODERN_CLIENT }))).toBe(-32602);
  });
});

describe('an item that the endpoint does not show', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['tools/call', { name: 'files__read' }, { name: 'files__write' }],
    ['prompts/get', { name: 'files__ask' }, { name: 'files__tell' }],
    ['resources/read', { uri: 'files+file:///open/a' }, { uri: 'files+file:///closed/a' }],
    ['completion/complete', { ref: { name: 'files__ask' } }, { ref: { name: 'files__tell' } }],
    ['completion/complete', { ref: { uri: 'files+file:///open/{a}' } }, { ref: { uri: 'files+file:///closed/{a}' } }],
  ])('by %s is one that there is not', async (method, shown, hidden) => {
    const { made, request } = await world();
    expect(await request(method, hidden, { endpoint: 'desk' })).toMatchObject({ kind: 'error' });
    expect(made.asked('files')).toEqual([]);
    expect(await request(method, shown, { endpoint: 'desk' })).toMatchObject({ kind: 'result' });
  });
});

describe('what nobody knows', () => {
  it('is passed on where there is one server that could know it, and refused elsewhere', async () => {
    const { made, request } = await world();
    expect(await request('acme/x', { a: 1 }, { endpoint: 'files' })).toMatchObject({ kind: 'result' });
    expect(made.asked('files')).toEqual([['acme/x', { a: 1 }]]);
    expect(codeOf(await request('acme/x'))).toBe(-32601);
    expect(codeOf(await request('__proto__'))).toBe(-32601);
  });
});

describe('a defect of ours', () => {
  it('is told without details', async () => {
    const { connector, request } = await world();
    connector.respond = () => {
      throw new TypeError('secret of the house');
    };
    const outcome = await request('tools/call', { name: 'files__read' });
    expect(outcome).toEqual({ kind: 'error', error: { code: -32603, message: 'Internal error' }, httpStatus: 500 });
  });
});

describe('a call', () => {
  it('of a session is cancelled by its words, of a client without one by its leaving', async () => {
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

  it('of a client that has left is not run at all', async () => {
    const { connector, request } = await world();
    const outcome = await request('tools/call', { name: 'files__x' }, { signal: AbortSignal.abort() });
    expect(codeOf(outcome)).toBe(-31002);
    expect(connector.opened).toEqual([]);
  });

  it('is preceded by what its server says', async () => {
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
