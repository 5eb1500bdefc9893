import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { callerOf, LEGACY_CLIENT, MODERN_CLIENT, remoteServer, unreachable } from '../../test/support/fake-upstream.js';
import { toOtherEraCapabilities, mergeCapabilities } from './capabilities.js';

const profile = (capabilities: JsonObject) => ({ era: 'legacy', revision: '', capabilities }) as const;

describe('the capabilities of several servers', () => {
  it('are what any of them can do; their list of tools may always change', () => {
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

  it('are not confused by what is no capability', () => {
    expect(mergeCapabilities([profile({ tools: true, prompts: 'yes', resources: null })])).toEqual({
      tools: { listChanged: true },
      prompts: {},
      resources: {},
    });
  });
});

describe('the capabilities of one server', () => {
  it('lose, for a client of the other era, what that does not know', () => {
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
    [remoteServer('a'), remoteServer('b')],
    { virtualServers: [virtual] },
    { listTimeoutMs: 500 },
  );
  worlds.push(made);
  const greet = (slug?: string, client = LEGACY_CLIENT) =>
    made.welcome.initializeResult({ caller: callerOf('me'), client, endpoint: made.endpoint(slug) });
  return { made, connector: made.connector, greet };
}

const resultOf = (outcome: Outcome): JsonObject => (outcome.kind === 'result' ? outcome.result : {});

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(async () => {
  jest.useRealTimers();
  for (const made of worlds.splice(0)) await made.close();
});

describe('a handshake', () => {
  it('at one server is answered in that server’s name', async () => {
    const { connector, greet } = await world();
    connector.capabilities.set('a', { tools: {}, odd: {} });
    expect(resultOf(await greet('a'))).toEqual({
      protocolVersion: LEGACY_CLIENT.revision,
      capabilities: { tools: {}, odd: {} },
      serverInfo: { name: 'a', version: '1' },
    });
  });

  it('at one server of the other era says what both eras know', async () => {
    const { connector, greet } = await world();
    connector.eras.set('a', 'modern');
    connector.capabilities.set('a', { tools: {}, odd: {} });
    expect(resultOf(await greet('a'))).toMatchObject({ capabilities: { tools: {} } });
    expect(resultOf(await greet('a'))).not.toHaveProperty('capabilities.odd');
  });

  it('at one server that cannot be reached fails', async () => {
    const { connector, greet } = await world();
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('a')));
    expect(await greet('a')).toMatchObject({
      kind: 'error',
      error: { code: -31004, data: { outcome: 'not_executed', server: 'a', requestId: expect.any(String) } },
    });
  });

  it('at several servers is answered in the gateway’s name, with the instructions of the virtual server', async () => {
    const { connector, greet } = await world();
    connector.capabilities.set('b', { completions: {} });
    expect(resultOf(await greet('desk'))).toMatchObject({
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, completions: {} },
      serverInfo: { name: expect.any(String), title: 'Desk' },
      instructions: 'Tidy up.',
    });
    expect(resultOf(await greet())).not.toHaveProperty('instructions');
  });

  it('at several servers succeeds without those that are away or too slow', async () => {
    const { connector, greet } = await world();
    connector.capabilities.set('b', { completions: {} });
    connector.beforeOpening = async ({ slug }) => {
      if (slug === 'b') throw new OutcomeError(unreachable('b'));
    };
    expect(resultOf(await greet('desk'))).not.toHaveProperty('capabilities.completions');
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
    connector.beforeOpening = () => new Promise<void>(() => undefined);
    const greeting = greet('desk');
    await jest.advanceTimersByTimeAsync(500);
    expect(resultOf(await greeting)).not.toHaveProperty('capabilities.completions');
  });

  it('asks no server twice what it said of itself', async () => {
    const { connector, greet } = await world();
    await greet('desk');
    await greet('desk');
    await greet('a');
    expect(connector.opened).toHaveLength(2);
  });
});

describe('a discovery', () => {
  it('at one modern server is that server’s own, with the revisions that the gateway speaks', async () => {
    const { made, connector } = await world();
    connector.eras.set('a', 'modern');
    connector.respond = () => result({ supportedVersions: ['theirs'], capabilities: { odd: {} } });
    const outcome = await made.request('server/discover', {}, { endpoint: 'a', client: MODERN_CLIENT });
    expect(resultOf(outcome)).toMatchObject({ capabilities: { odd: {} } });
    expect(resultOf(outcome)['supportedVersions']).toContain(MODERN_CLIENT.revision);
    expect(resultOf(outcome)['supportedVersions']).not.toContain('theirs');
  });

  it('at a legacy server is answered for it', async () => {
    const { made } = await world();
    expect(resultOf(await made.request('server/discover', {}, { endpoint: 'a' }))).toMatchObject({
      capabilities: { tools: {} },
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'a' } },
    });
    expect(made.asked('a')).toEqual([]);
  });

  it('at several servers is the gateway’s', async () => {
    const { made } = await world();
    expect(resultOf(await made.request('server/discover', {}, { endpoint: 'desk' }))).toMatchObject({
      capabilities: { tools: { listChanged: true } },
      instructions: 'Tidy up.',
    });
  });

  it('passes a server’s refusal on', async () => {
    const { made, connector } = await world();
    connector.eras.set('a', 'modern');
    const refusal = { kind: 'error', error: { code: 7, message: 'no' } } as const;
    connector.respond = () => refusal;
    expect(await made.request('server/discover', {}, { endpoint: 'a' })).toEqual(refusal);
  });
});

describe('what belongs to a session', () => {
  const levelAt = (made: DispatchWorld) => made.connector.opened.at(-1)?.sent.map(({ request }) => request.logLevel);

  it('is no method for a client without one', async () => {
    const { made } = await world();
    for (const method of ['logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']) {
      expect(await made.request(method, { level: 'info', uri: 'a+x:y' })).toMatchObject({ error: { code: -32601 } });
    }
  });

  it('such as the level of log messages is told to the servers with the calls that follow', async () => {
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

  it('behind one server is that server’s to refuse', async () => {
    const { made, connector } = await world();
    const session = made.session('a');
    const asking = { session, endpoint: 'a' };
    expect(await made.request('logging/setLevel', { level: 'error' }, asking)).toEqual(result({}));
    expect(made.asked('a')).toEqual([['logging/setLevel', { level: 'error' }]]);
    connector.respond = () => ({ kind: 'error', error: { code: -32603, message: 'no' } });
    expect(await made.request('logging/setLevel', { level: 'info' }, asking)).toMatchObject({
      error: { message: 'no' },
    });
    connector.capabilities.set('b', {});
    const other = { session: made.session('b'), endpoint: 'b' };
    expect(await made.request('logging/setLevel', { level: 'info' }, other)).toMatchObject({ error: { code: -32601 } });
  });

  it('such as a subscription is asked of the server that has the resource', async () => {
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

  it('is not needed to ask whether the gateway is there', async () => {
    const { made } = await world();
    expect(await made.request('ping')).toEqual(result({}));
    expect(made.connector.opened).toEqual([]);
  });
});
