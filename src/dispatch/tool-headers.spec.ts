import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { childServer, LEGACY_CLIENT, remoteServer, type SentRequest } from '../../test/support/fake-upstream.js';
import type { ServerDefinition } from '../registry/index.js';

const TENANT = {
  name: 'query',
  inputSchema: { type: 'object', properties: { tenant: { type: 'string', 'x-mcp-header': 'Tenant' } } },
};
const CALL: JsonObject = { name: 'query', arguments: { tenant: 'acme' } };

const worlds: DispatchWorld[] = [];

async function world(server: ServerDefinition = remoteServer('db'), era: 'legacy' | 'modern' = 'modern') {
  const made = await DispatchWorld.open([server]);
  worlds.push(made);
  made.connector.eras.set('db', era);
  made.connector.respond = ({ request }) => result(request.method === 'tools/list' ? { tools: [TENANT] } : {});
  const methods = () => made.asked('db').map(([method]) => method);
  const calls = (): SentRequest['request'][] =>
    made.connector.opened
      .flatMap(({ sent }) => sent.map(({ request }) => request))
      .filter(({ method }) => method === 'tools/call');
  const call = (more = {}) => made.request('tools/call', CALL, { endpoint: 'db', ...more });
  return { made, methods, calls, call };
}

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
});

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
  jest.useRealTimers();
});

describe('parameters that travel in headers', () => {
  it('are learned before the first call and from then on known', async () => {
    const { methods, calls, call } = await world();
    await call();
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/call']);
    expect(calls().map(({ parameterHeaders }) => Object.values(parameterHeaders ?? {}))).toEqual([['acme'], ['acme']]);
  });

  it('are asked for once by callers who come together', async () => {
    const { methods, call } = await world();
    await Promise.all([call(), call(), call()]);
    expect(methods().filter((method) => method === 'tools/list')).toHaveLength(1);
  });

  it('are learned from a list that passes through', async () => {
    const { made, methods, call } = await world();
    await made.request('tools/list', {}, { endpoint: 'db' });
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call']);
  });

  it('are not learned from a part of a list', async () => {
    const { made, methods, call } = await world();
    made.connector.respond = ({ request: { method, params } }) => {
      if (method !== 'tools/list') return result({});
      return params['cursor'] ? result({ tools: [TENANT] }) : result({ tools: [], nextCursor: 'more' });
    };
    await made.request('tools/list', {}, { endpoint: 'db' });
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/list', 'tools/list', 'tools/call']);
  });

  it('are asked for again after a while', async () => {
    const { methods, call } = await world();
    await call();
    jest.setSystemTime(Date.now() + 61_000);
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/list', 'tools/call']);
  });

  it('are asked for again when the tools change', async () => {
    const { made, methods, call } = await world();
    const leaving = new AbortController();
    const params = { notifications: { toolsListChanged: true } };
    const listening = made.request('subscriptions/listen', params, { endpoint: 'db', signal: leaving.signal });
    await new Promise(setImmediate);
    await call();
    made.connector.opened[0]?.change({ method: 'notifications/tools/list_changed', params: {} });
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/list', 'tools/call']);
    leaving.abort();
    await listening;
  });

  it('are not kept when the tools change while they are asked for', async () => {
    const { made, methods, call } = await world();
    const leaving = new AbortController();
    const params = { notifications: { toolsListChanged: true } };
    const listening = made.request('subscriptions/listen', params, { endpoint: 'db', signal: leaving.signal });
    await new Promise(setImmediate);
    const whole = made.connector.respond;
    const old = Promise.withResolvers<Outcome>();
    made.connector.respond = (sent, connection) =>
      sent.request.method === 'tools/list' ? old.promise : whole(sent, connection);
    const calling = call();
    await new Promise(setImmediate);
    made.connector.opened[0]?.change({ method: 'notifications/tools/list_changed', params: {} });
    old.resolve(result({ tools: [] }));
    await calling;
    made.connector.respond = whole;
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/list', 'tools/call']);
    leaving.abort();
    await listening;
  });

  it('are found in a list that is remembered', async () => {
    const { made, methods, call } = await world();
    const tools = { tools: [TENANT], ttlMs: 120_000, cacheScope: 'public' };
    made.connector.respond = ({ request }) => result(request.method === 'tools/list' ? tools : {});
    await made.request('tools/list', {}, { endpoint: 'db' });
    jest.setSystemTime(Date.now() + 61_000);
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call']);
  });

  it('of the client must say what the body says', async () => {
    const { methods, call } = await world();
    const mirrored = (tenant: string) => ({ mirrored: { 'mcp-param-tenant': tenant } });
    expect(await call(mirrored('acme'))).toMatchObject({ kind: 'result' });
    expect(await call(mirrored('evil'))).toMatchObject({ error: { code: -32020 } });
    expect(methods()).toEqual(['tools/list', 'tools/call']);
  });

  it.each([
    ['a legacy server', remoteServer('db'), 'legacy'],
    ['a server over HTTP+SSE', remoteServer('db', { transport: 'sse' }), 'legacy'],
    ['a legacy child process', childServer('db'), 'legacy'],
  ] as const)(
    'mean nothing between a client without them and %s, which is asked for no list',
    async (_name, server, era) => {
      const { methods, call } = await world(server, era);
      await call();
      await call();
      expect(methods()).toEqual(['tools/call', 'tools/call']);
    },
  );
});

describe('a client that mirrors its parameters', () => {
  it.each([
    ['a legacy server', remoteServer('db'), 'legacy'],
    ['a server over HTTP+SSE', remoteServer('db', { transport: 'sse' }), 'legacy'],
  ] as const)('is held to them at %s', async (_name, server, era) => {
    const { methods, call } = await world(server, era);
    const mirrored = (tenant: string) => ({ mirrored: { 'mcp-param-tenant': tenant } });
    expect(await call(mirrored('evil'))).toMatchObject({ error: { code: -32020 } });
    expect(await call(mirrored('acme'))).toMatchObject({ kind: 'result' });
    expect(methods()).toEqual(['tools/list', 'tools/call']);
  });
});

describe('a server that does not say which they are', () => {
  it('is called without, and asked again a little later', async () => {
    const { made, methods, call } = await world();
    const whole = made.connector.respond;
    made.connector.respond = ({ request }) =>
      request.method === 'tools/list' ? { kind: 'error', error: { code: -32603, message: 'no' } } : result({});
    await call();
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/call']);
    made.connector.respond = whole;
    jest.setSystemTime(Date.now() + 6_000);
    await call();
    expect(methods().slice(3)).toEqual(['tools/list', 'tools/call']);
  });

  it('is not waited for any longer than for a connection', async () => {
    const { made, methods, call } = await world();
    made.connector.respond = ({ request }) =>
      request.method === 'tools/list' ? new Promise<Outcome>(() => undefined) : result({});
    const calling = call();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await calling).toMatchObject({ kind: 'result' });
    expect(methods()).toEqual(['tools/list', 'tools/call']);
  });

  it('does no harm by tools that are none, or that are annotated wrongly', async () => {
    const { made, calls, call } = await world();
    const wrong = { name: 'wrong', inputSchema: { properties: { a: { type: 'object', 'x-mcp-header': 'A B' } } } };
    const tools = [null, 7, {}, { name: { toString: 'x' }, inputSchema: {} }, wrong, TENANT];
    made.connector.respond = ({ request }) => result(request.method === 'tools/list' ? { tools } : {});
    expect(await call()).toMatchObject({ kind: 'result' });
    expect(calls()[0]?.parameterHeaders).toBeDefined();
  });
});

describe('a client that cancels its call', () => {
  it('takes the headers from nobody who waits for them too', async () => {
    const { made, calls, call } = await world();
    const listing = Promise.withResolvers<Outcome>();
    made.connector.respond = ({ request }) => (request.method === 'tools/list' ? listing.promise : result({}));
    const session = made.session('db', LEGACY_CLIENT);
    const [mine, theirs] = [call({ session, client: LEGACY_CLIENT }), call()];
    await new Promise(setImmediate);
    await session.cancel(1);
    listing.resolve(result({ tools: [TENANT] }));
    await Promise.all([mine, theirs]);
    expect(calls().every(({ parameterHeaders }) => parameterHeaders !== undefined)).toBe(true);
  });
});
