import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { UpstreamCredentials, type CredentialsRequest } from '#lib/extension-kit';
import { result, type ClientProfile, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import {
  callerOf,
  childServer,
  LEGACY_CLIENT,
  MODERN_CLIENT,
  remoteServer,
  type SentRequest,
} from '../../test/support/fake-upstream.js';
import type { ServerDefinition } from '../registry/index.js';

const TENANT = {
  name: 'query',
  inputSchema: { type: 'object', properties: { tenant: { type: 'string', 'x-mcp-header': 'Tenant' } } },
};
const CALL: JsonObject = { name: 'query', arguments: { tenant: 'acme' } };

const worlds: DispatchWorld[] = [];

async function world(
  server: ServerDefinition = remoteServer('db'),
  era: 'legacy' | 'modern' = 'modern',
  credentials?: UpstreamCredentials,
) {
  const made = await DispatchWorld.open([server], {}, {}, [], credentials);
  worlds.push(made);
  made.connector.eras.set('db', era);
  made.connector.respond = ({ request }) => result(request.method === 'tools/list' ? { tools: [TENANT] } : {});
  const methods = () => made.requestsTo('db').map(([method]) => method);
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

describe('parameter headers', () => {
  it('are read from the tool list before the first call and reused for later calls', async () => {
    const { methods, calls, call } = await world();
    await call();
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/call']);
    expect(calls().map(({ parameterHeaders }) => Object.values(parameterHeaders ?? {}))).toEqual([['acme'], ['acme']]);
  });

  it('are fetched once for concurrent calls', async () => {
    const { methods, call } = await world();
    await Promise.all([call(), call(), call()]);
    expect(methods().filter((method) => method === 'tools/list')).toHaveLength(1);
  });

  it('are learned from a complete list that a client requested', async () => {
    const { made, methods, call } = await world();
    await made.request('tools/list', {}, { endpoint: 'db' });
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call']);
  });

  it('are not learned from one page of a longer list', async () => {
    const { made, methods, call } = await world();
    made.connector.respond = ({ request: { method, params } }) => {
      if (method !== 'tools/list') return result({});
      return params['cursor'] ? result({ tools: [TENANT] }) : result({ tools: [], nextCursor: 'more' });
    };
    await made.request('tools/list', {}, { endpoint: 'db' });
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/list', 'tools/list', 'tools/call']);
  });

  it('are fetched again after a minute', async () => {
    const { methods, call } = await world();
    await call();
    jest.setSystemTime(Date.now() + 61_000);
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/list', 'tools/call']);
  });

  it('are fetched again after the server announced a change of its tools', async () => {
    const { made, methods, call } = await world();
    const leaving = new AbortController();
    const params = { notifications: { toolsListChanged: true } };
    const listening = made.request('subscriptions/listen', params, { endpoint: 'db', signal: leaving.signal });
    await new Promise(setImmediate);
    await call();
    made.connector.opened[0]?.emitChange({ method: 'notifications/tools/list_changed', params: {} });
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/list', 'tools/call']);
    leaving.abort();
    await listening;
  });

  it('are not stored when the tools change during the request', async () => {
    const { made, methods, call } = await world();
    const leaving = new AbortController();
    const params = { notifications: { toolsListChanged: true } };
    const listening = made.request('subscriptions/listen', params, { endpoint: 'db', signal: leaving.signal });
    await new Promise(setImmediate);
    const respond = made.connector.respond;
    const old = Promise.withResolvers<Outcome>();
    made.connector.respond = (sent, connection) =>
      sent.request.method === 'tools/list' ? old.promise : respond(sent, connection);
    const calling = call();
    await new Promise(setImmediate);
    made.connector.opened[0]?.emitChange({ method: 'notifications/tools/list_changed', params: {} });
    old.resolve(result({ tools: [] }));
    await calling;
    made.connector.respond = respond;
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/list', 'tools/call']);
    leaving.abort();
    await listening;
  });

  it('are read from a cached list without a request', async () => {
    const { made, methods, call } = await world();
    const tools = { tools: [TENANT], ttlMs: 120_000, cacheScope: 'public' };
    made.connector.respond = ({ request }) => result(request.method === 'tools/list' ? tools : {});
    await made.request('tools/list', {}, { endpoint: 'db' });
    jest.setSystemTime(Date.now() + 61_000);
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call']);
  });

  it('of a client are rejected when they differ from the arguments', async () => {
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
  ] as const)('are not fetched for a client without them at %s', async (_name, server, era) => {
    const { methods, call } = await world(server, era);
    await call();
    await call();
    expect(methods()).toEqual(['tools/call', 'tools/call']);
  });
});

/** One account for each caller. */
class OwnCredentials extends UpstreamCredentials {
  isDown = false;
  override identityOf({ caller }: Required<CredentialsRequest>): string {
    if (this.isDown) throw new Error('no account');
    return caller.key;
  }
  override credentialsFor({ caller }: CredentialsRequest) {
    return { headers: { 'x-account': caller?.key ?? '' } };
  }
}

describe('parameter headers of callers with accounts of their own at a server', () => {
  const [ada, bob] = [{ caller: callerOf('ada') }, { caller: callerOf('bob') }];

  /** A server whose tool has a parameter header for the account of one caller only. */
  async function worldWithAccounts() {
    const credentials = new OwnCredentials();
    const opened = await world(remoteServer('db'), 'modern', credentials);
    const { connector } = opened.made;
    const accounts: (string | undefined)[] = [];
    connector.beforeOpening = async (_server, attempt) => void accounts.push(attempt.credentials?.addTo([])[1]);
    connector.respond = ({ request }, connection) => {
      const isOfAda = accounts[connector.opened.indexOf(connection)] === ada.caller.key;
      const tool = isOfAda ? TENANT : { ...TENANT, inputSchema: { type: 'object' } };
      return result(request.method === 'tools/list' ? { tools: [tool] } : {});
    };
    return { ...opened, credentials };
  }
  const headersOf = (calls: readonly SentRequest['request'][]) =>
    calls.map(({ parameterHeaders }) => Object.values(parameterHeaders ?? {}));

  it('are those that the account of the caller sees, in whichever order accounts call and list', async () => {
    const { made, calls, call } = await worldWithAccounts();
    await call(bob);
    await call(ada);
    await made.request('tools/list', {}, { endpoint: 'db', ...bob });
    await call(ada);
    expect(headersOf(calls()).toSorted((one, other) => one.length - other.length)).toEqual([[], ['acme'], ['acme']]);
  });

  it('are fetched again for every account after the server announced a change', async () => {
    const { made, methods, call } = await worldWithAccounts();
    const leaving = new AbortController();
    const params = { notifications: { toolsListChanged: true } };
    const listening = made.request('subscriptions/listen', params, { endpoint: 'db', signal: leaving.signal, ...ada });
    await new Promise(setImmediate);
    for (const caller of [ada, bob]) await call(caller);
    for (const connection of made.connector.opened)
      connection.emitChange({ method: 'notifications/tools/list_changed', params: {} });
    for (const caller of [ada, bob]) await call(caller);
    expect(methods().filter((method) => method === 'tools/list')).toHaveLength(4);
    leaving.abort();
    await listening;
  });

  it('are not guessed while the account is unknown', async () => {
    const { calls, call, credentials } = await worldWithAccounts();
    await call(ada);
    credentials.isDown = true;
    expect(await call(ada)).toMatchObject({ error: { data: { outcome: 'not_executed' } } });
    expect(calls()).toHaveLength(1);
  });
});

describe('parameter headers of a client', () => {
  it.each([
    ['a legacy server', remoteServer('db'), 'legacy'],
    ['a server over HTTP+SSE', remoteServer('db', { transport: 'sse' }), 'legacy'],
  ] as const)('are checked against the arguments at %s', async (_name, server, era) => {
    const { methods, call } = await world(server, era);
    const mirrored = (tenant: string) => ({ mirrored: { 'mcp-param-tenant': tenant } });
    expect(await call(mirrored('evil'))).toMatchObject({ error: { code: -32020 } });
    expect(await call(mirrored('acme'))).toMatchObject({ kind: 'result' });
    expect(methods()).toEqual(['tools/list', 'tools/call']);
  });
});

describe('a server with an unusable tool list', () => {
  it('is called without parameter headers, and its list is fetched again after five seconds', async () => {
    const { made, methods, call } = await world();
    const respond = made.connector.respond;
    made.connector.respond = ({ request }) =>
      request.method === 'tools/list' ? { kind: 'error', error: { code: -32603, message: 'no' } } : result({});
    await call();
    await call();
    expect(methods()).toEqual(['tools/list', 'tools/call', 'tools/call']);
    made.connector.respond = respond;
    jest.setSystemTime(Date.now() + 6_000);
    await call();
    expect(methods().slice(3)).toEqual(['tools/list', 'tools/call']);
  });

  it('delays a call by its connect timeout at most', async () => {
    const { made, methods, call } = await world();
    made.connector.respond = ({ request }) =>
      request.method === 'tools/list' ? new Promise<Outcome>(() => undefined) : result({});
    const calling = call();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await calling).toMatchObject({ kind: 'result' });
    expect(methods()).toEqual(['tools/list', 'tools/call']);
  });

  it('has its malformed tools and annotations skipped', async () => {
    const { made, calls, call } = await world();
    const wrong = { name: 'wrong', inputSchema: { properties: { a: { type: 'object', 'x-mcp-header': 'A B' } } } };
    const tools = [null, 7, {}, { name: { toString: 'x' }, inputSchema: {} }, wrong, TENANT];
    made.connector.respond = ({ request }) => result(request.method === 'tools/list' ? { tools } : {});
    expect(await call()).toMatchObject({ kind: 'result' });
    expect(calls()[0]?.parameterHeaders).toBeDefined();
  });
});

describe('a call cancelled while the tool list is fetched', () => {
  it('does not cancel the fetch for other waiting calls', async () => {
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

describe('a result whose output schema allows other results than objects', () => {
  const outputSchema = { anyOf: [{ type: 'object' }, { type: 'string' }] };
  const tools = [
    { ...TENANT, outputSchema },
    { name: 'plain', inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
  ];
  const structuredContent = { rows: 1 };

  /** The structured content that a client receives, which has not listed the tools itself. */
  async function receive(client: ClientProfile, name: string, server: ServerDefinition) {
    const { made } = await world(server);
    made.connector.respond = ({ request }) =>
      result(request.method === 'tools/list' ? { tools } : { content: [], structuredContent });
    await made.request('tools/list', {}, { endpoint: 'db' });
    const outcome = await made.request('tools/call', { ...CALL, name }, { endpoint: 'db', client });
    return outcome.kind === 'result' && outcome.result['structuredContent'];
  }

  it.each([
    ['over HTTP', remoteServer('db')],
    ['of a child process', childServer('db')],
  ])('reaches legacy clients of a modern server %s in an envelope', async (_transport, server) => {
    expect(await receive(LEGACY_CLIENT, 'query', server)).toEqual({ result: structuredContent });
    expect(await receive(LEGACY_CLIENT, 'plain', server)).toEqual(structuredContent);
    expect(await receive(MODERN_CLIENT, 'query', server)).toEqual(structuredContent);
  });
});
