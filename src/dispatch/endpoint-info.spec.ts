import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { callerOf, LEGACY_CLIENT, MODERN_CLIENT, remoteServer, unreachable } from '../../test/support/fake-upstream.js';
import { toOtherEraCapabilities, mergeCapabilities } from './capabilities.js';

const profile = (capabilities: JsonObject) => ({ era: 'legacy', revision: '', capabilities }) as const;

describe('merged capabilities of several servers', () => {
  it('contain every capability of any server, and always announce changes of tools', () => {
    const united = mergeCapabilities([
      profile({ tools: {}, resources: { subscribe: true }, experimental: { odd: {} } }),
      profile({ resources: { listChanged: true }, logging: {}, prompts: {} }),
    ]);
    expect(united).toEqual({
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      logging: {},
      prompts: {},
    });
    expect(mergeCapabilities([])).toEqual({ tools: { listChanged: true } });
  });

  it('ignore malformed capabilities', () => {
    expect(mergeCapabilities([profile({ tools: true, prompts: 'yes', resources: null })])).toEqual({
      tools: { listChanged: true },
      prompts: {},
      resources: {},
    });
  });
});

describe('capabilities of a server of the other era', () => {
  it('omit capabilities that exist only in the server’s era', () => {
    expect(toOtherEraCapabilities({ tools: {}, tasks: {}, extensions: {}, experimental: { odd: {} } })).toEqual({
      tools: {},
      experimental: { odd: {} },
    });
  });
});

const worlds: DispatchWorld[] = [];

async function world() {
  const virtual = { slug: 'desk', title: 'Desk', instructions: 'Tidy up.', public: false, servers: ['a', 'b'] };
  const made = await DispatchWorld.open(
    [remoteServer('a', { allowUnknownMethods: true }), remoteServer('b')],
    { virtualServers: [virtual] },
    { listTimeoutMs: 500 },
  );
  worlds.push(made);
  const initialize = (slug?: string) => made.initialize(slug);
  return { made, connector: made.connector, initialize };
}

const resultOf = (outcome: Outcome): JsonObject => (outcome.kind === 'result' ? outcome.result : {});

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(async () => {
  jest.useRealTimers();
  for (const made of worlds.splice(0)) await made.close();
});

describe('initialize', () => {
  it('returns the server’s own capabilities and info at a transparent endpoint', async () => {
    const { connector, initialize } = await world();
    connector.capabilities.set('a', { tools: {}, odd: {} });
    expect(resultOf(await initialize('a'))).toEqual({
      protocolVersion: LEGACY_CLIENT.revision,
      capabilities: { tools: {}, odd: {} },
      serverInfo: { name: 'a', version: '1' },
    });
  });

  it('returns only era-independent capabilities of a modern server', async () => {
    const { connector, initialize } = await world();
    connector.eras.set('a', 'modern');
    connector.capabilities.set('a', { tools: {}, odd: {} });
    expect(resultOf(await initialize('a'))).toMatchObject({ capabilities: { tools: {} } });
    expect(resultOf(await initialize('a'))).not.toHaveProperty('capabilities.odd');
  });

  it('fails at a transparent endpoint whose server is unreachable', async () => {
    const { connector, initialize } = await world();
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('a')));
    expect(await initialize('a')).toMatchObject({
      kind: 'error',
      error: { code: -31004, data: { outcome: 'not_executed', server: 'a', requestId: expect.any(String) } },
    });
  });

  it('returns the gateway’s info, merged capabilities and the virtual server’s instructions at an aggregating endpoint', async () => {
    const { connector, initialize } = await world();
    connector.capabilities.set('b', { completions: {} });
    expect(resultOf(await initialize('desk'))).toMatchObject({
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, completions: {} },
      serverInfo: { name: expect.any(String), title: 'Desk' },
      instructions: 'Tidy up.',
    });
    expect(resultOf(await initialize())).not.toHaveProperty('instructions');
  });

  it('omits unreachable and slow servers at an aggregating endpoint', async () => {
    const { connector, initialize } = await world();
    connector.capabilities.set('b', { completions: {} });
    connector.beforeOpening = async ({ slug }) => {
      if (slug === 'b') throw new OutcomeError(unreachable('b'));
    };
    expect(resultOf(await initialize('desk'))).not.toHaveProperty('capabilities.completions');
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
    connector.beforeOpening = () => new Promise<void>(() => undefined);
    const initializing = initialize('desk');
    await jest.advanceTimersByTimeAsync(500);
    expect(resultOf(await initializing)).not.toHaveProperty('capabilities.completions');
  });

  it('reuses the profiles of servers for later handshakes at an aggregating endpoint', async () => {
    const { connector, initialize } = await world();
    await initialize('desk');
    await initialize('desk');
    expect(connector.opened).toHaveLength(2);
  });

  it('describes at a transparent endpoint the build that the session’s own connection reached', async () => {
    const { connector, initialize } = await world();
    connector.capabilities.set('a', { tools: {} });
    await initialize('a');
    connector.capabilities.set('a', { prompts: {} });
    expect(resultOf(await initialize('a'))).toMatchObject({ capabilities: { prompts: {} } });
    expect(connector.live).toHaveLength(2);
  });

  it('opens at a transparent endpoint the connection that the calls of the session use', async () => {
    const { made, connector } = await world();
    const session = made.session('a');
    const endpoint = made.endpoint('a');
    await made.endpointInfo.initializeResult({ caller: callerOf('me'), client: LEGACY_CLIENT, endpoint }, session, 0);
    await session.notify({ method: 'notifications/roots/list_changed', params: {} });
    await made.request('tools/call', { name: 'x' }, { session, endpoint: 'a' });
    expect(connector.opened).toHaveLength(1);
    expect(connector.opened[0]?.sentNotifications).toMatchObject([{ method: 'notifications/roots/list_changed' }]);
  });
});

describe('server/discover', () => {
  it('returns a modern server’s own result with the revisions that the gateway supports', async () => {
    const { made, connector } = await world();
    connector.eras.set('a', 'modern');
    connector.respond = () => result({ supportedVersions: ['theirs'], capabilities: { odd: {} } });
    const outcome = await made.request('server/discover', {}, { endpoint: 'a', client: MODERN_CLIENT });
    expect(resultOf(outcome)).toMatchObject({ capabilities: { odd: {} } });
    expect(resultOf(outcome)['supportedVersions']).toContain(MODERN_CLIENT.revision);
    expect(resultOf(outcome)['supportedVersions']).not.toContain('theirs');
  });

  it('is answered by the gateway for a legacy server', async () => {
    const { made } = await world();
    expect(resultOf(await made.request('server/discover', {}, { endpoint: 'a' }))).toMatchObject({
      capabilities: { tools: {} },
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'a' } },
    });
    expect(made.requestsTo('a')).toEqual([]);
  });

  it('returns the gateway’s merged capabilities at an aggregating endpoint', async () => {
    const { made } = await world();
    expect(resultOf(await made.request('server/discover', {}, { endpoint: 'desk' }))).toMatchObject({
      capabilities: { tools: { listChanged: true } },
      instructions: 'Tidy up.',
    });
  });

  it('passes a server’s error through unchanged', async () => {
    const { made, connector } = await world();
    connector.eras.set('a', 'modern');
    const refusal = { kind: 'error', error: { code: 7, message: 'no' } } as const;
    connector.respond = () => refusal;
    expect(await made.request('server/discover', {}, { endpoint: 'a' })).toEqual(refusal);
  });
});

describe('session methods', () => {
  const levelAt = (made: DispatchWorld) => made.connector.opened.at(-1)?.sent.map(({ request }) => request.logLevel);

  it('are not found for a client without a session', async () => {
    const { made } = await world();
    for (const method of ['logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']) {
      expect(await made.request(method, { level: 'info', uri: 'a+x:y' })).toMatchObject({ error: { code: -32601 } });
    }
  });

  it('set the log level that later calls send to the servers', async () => {
    const { made } = await world();
    const session = made.session();
    expect(await made.request('logging/setLevel', { level: 'error' }, { session })).toEqual(result({}));
    await made.request('tools/call', { name: 'a__x' }, { session });
    expect(levelAt(made)).toEqual(['error']);
    for (const level of ['loud', 7, undefined]) {
      expect(await made.request('logging/setLevel', { level: level as string }, { session })).toMatchObject({
        error: { code: -32602 },
      });
    }
  });

  it('pass the log level to the server of a transparent endpoint and return its error', async () => {
    const { made, connector } = await world();
    const session = made.session('a');
    const asking = { session, endpoint: 'a' };
    expect(await made.request('logging/setLevel', { level: 'error' }, asking)).toEqual(result({}));
    expect(made.requestsTo('a')).toEqual([['logging/setLevel', { level: 'error' }]]);
    connector.respond = () => ({ kind: 'error', error: { code: -32603, message: 'no' } });
    expect(await made.request('logging/setLevel', { level: 'info' }, asking)).toMatchObject({
      error: { message: 'no' },
    });
    connector.capabilities.set('b', {});
    const other = { session: made.session('b'), endpoint: 'b' };
    expect(await made.request('logging/setLevel', { level: 'info' }, other)).toMatchObject({ error: { code: -32601 } });
  });

  it('subscribe to a resource at the server that has it', async () => {
    const { made, connector } = await world();
    const session = made.session();
    const asking = { session };
    expect(await made.request('resources/subscribe', { uri: 'a+x:y' }, asking)).toEqual(result({}));
    expect(connector.opened[0]?.listeners).toMatchObject([{ filter: { resourceSubscriptions: ['x:y'] } }]);
    expect(await made.request('resources/unsubscribe', { uri: 'a+x:y' }, asking)).toEqual(result({}));
    expect(connector.opened[0]?.listeners).toEqual([]);
    expect(await made.request('resources/subscribe', { uri: 'x:y' }, asking)).toMatchObject({
      error: { code: -32002 },
    });
    expect(await made.request('resources/subscribe', {}, asking)).toMatchObject({ error: { code: -32602 } });
  });

  it('do not include ping, which works without a session', async () => {
    const { made } = await world();
    expect(await made.request('ping')).toEqual(result({}));
    expect(made.connector.opened).toEqual([]);
  });
});
