import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ANONYMOUS, OutcomeError } from '#lib/extension-kit';
import { result, type Era, type JsonObject } from '#lib/mcp-protocol';
import { DispatchWorld, type Asking } from '../../test/support/dispatch-world.js';
import { callerOf, MODERN_CLIENT, remoteServer, settled, unreachable } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';

const CHANGED = 'notifications/tools/list_changed';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const SERVERS = [remoteServer('a'), remoteServer('b')];
const DESK = { slug: 'desk', public: true, servers: ['a', 'b'], tools: ['a__open*', 'b__*'], resources: ['a+open:*'] };
const PUBLIC = { ttlMs: 60_000, cacheScope: 'public' };

const worlds: DispatchWorld[] = [];

/** Two servers whose tools a spec changes, and an endpoint that shows some of them. */
async function world(era: Era = 'modern', hints: JsonObject = PUBLIC) {
  const made = await DispatchWorld.open(SERVERS, { virtualServers: [DESK] });
  worlds.push(made);
  const { connector } = made;
  for (const { slug } of SERVERS) {
    connector.eras.set(slug, era);
    connector.capabilities.set(slug, { tools: { listChanged: true }, resources: { listChanged: true } });
  }
  const items: Record<string, JsonObject[]> = { a: [{ name: 'open1' }, { name: 'closed1' }], b: [{ name: 'x' }] };
  const templates: JsonObject[] = [];
  connector.respond = ({ request: { method } }, { server: { slug } }) => {
    if (method === 'tools/list') return result({ tools: items[slug] ?? [], ...hints });
    if (method === 'resources/templates/list') return result({ resourceTemplates: [...templates], ...hints });
    return result(method === 'resources/list' ? { resources: [], ...hints } : {});
  };
  const tell = (slug: string, method: string) => {
    for (const connection of connector.live)
      if (connection.server.slug === slug) connection.change({ method, params: {} });
  };
  /** Changes the tools of a server, and has it say so. */
  const change = (slug: string, tools: JsonObject[]) => {
    items[slug] = tools;
    tell(slug, CHANGED);
  };
  const leaving = new AbortController();
  const listen = async (asking: Asking = {}, notifications: JsonObject = { toolsListChanged: true }) => {
    const sink = new RecordingSink();
    const more = { endpoint: 'desk', sink, signal: leaving.signal, ...asking };
    const outcome = made.request('subscriptions/listen', { notifications }, more);
    await sink.until(({ summary }) => summary.length > 0);
    return { outcome, told: () => sink.summary.filter((method) => method !== ACKNOWLEDGED) };
  };
  const lists = (slug = 'a') => made.asked(slug).filter(([method]) => method === 'tools/list').length;
  return { made, connector, items, templates, tell, change, listen, leaving, lists };
}

const later = () => jest.advanceTimersByTimeAsync(1_000);

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
});

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
  jest.useRealTimers();
});

describe('a change of a list that is shown in part', () => {
  it('is told where what is shown changed, and nothing is told of the rest', async () => {
    const { change, listen } = await world();
    const { told } = await listen();
    change('a', [{ name: 'open1' }, { name: 'closed1' }, { name: 'closed2' }]);
    await later();
    expect(told()).toEqual([]);
    change('a', [{ name: 'open1' }, { name: 'open2' }]);
    await later();
    expect(told()).toEqual([CHANGED]);
    change('a', [{ name: 'open1', description: 'new' }, { name: 'open2' }]);
    await later();
    expect(told()).toHaveLength(2);
    change('b', [{ name: 'y' }]);
    await later();
    expect(told()).toHaveLength(3);
  });

  it('is told at once where everything is shown', async () => {
    const { change, listen, lists } = await world();
    const listeners = [await listen({ endpoint: 'default' }), await listen({ endpoint: 'a' })];
    change('a', [{ name: 'open1' }, { name: 'closed2' }]);
    await later();
    expect(listeners.map(({ told }) => told())).toEqual([[CHANGED], [CHANGED]]);
    expect(lists()).toBe(0);
  });

  it('is told where only another kind is chosen from', async () => {
    const { tell, listen } = await world();
    const { told } = await listen({}, { promptsListChanged: true });
    tell('a', 'notifications/prompts/list_changed');
    await later();
    expect(told()).toEqual(['notifications/prompts/list_changed']);
  });

  it('of resources may be one of their templates', async () => {
    const { templates, tell, listen } = await world();
    const { told } = await listen({}, { resourcesListChanged: true });
    const changed = 'notifications/resources/list_changed';
    templates.push({ uriTemplate: 'closed:{x}', name: 'x' });
    tell('a', changed);
    await later();
    expect(told()).toEqual([]);
    templates.push({ uriTemplate: 'open:{x}', name: 'x' });
    tell('a', changed);
    await later();
    expect(told()).toEqual([changed]);
  });

  it('is told to legacy sessions by the same rule', async () => {
    const { made, change, connector, lists } = await world();
    const sink = new RecordingSink();
    const session = made.session('desk');
    await session.openStream(sink);
    while (lists('b') === 0 || connector.live.some(({ listeners }) => listeners.length === 0)) await settled();
    await settled();
    change('a', [{ name: 'open1' }, { name: 'closed2' }]);
    await later();
    expect(sink.summary).not.toContain(CHANGED);
    change('a', [{ name: 'open2' }]);
    await later();
    expect(sink.summary.filter((method) => method === CHANGED)).toHaveLength(1);
    await session.end();
  });

  it('is looked at once for all who see the same', async () => {
    const { change, listen, lists } = await world('modern', {});
    const listeners = await Promise.all(Array.from({ length: 50 }, () => listen()));
    expect(lists()).toBe(1);
    change('a', [{ name: 'open2' }]);
    await later();
    expect(lists()).toBe(2);
    expect(listeners.map(({ told }) => told().length)).toEqual(listeners.map(() => 1));
  });

  it('is looked at once for a burst', async () => {
    const { change, listen, lists } = await world('modern', {});
    const { told } = await listen();
    for (let count = 0; count < 100; count += 1) change('a', [{ name: `closed${count}` }]);
    await later();
    expect([lists(), told()]).toEqual([2, [CHANGED]]);
  });

  it('is looked at for each authorization context by itself', async () => {
    const { made, change, listen, connector, items } = await world('modern', { ttlMs: 60_000, cacheScope: 'private' });
    const all = connector.respond;
    const [me, they] = [await listen({ caller: callerOf('me') }), await listen({ caller: callerOf('they') })];
    let isMine = false;
    made.connector.respond = (sent, connection) => {
      // The server shows it to whoever asks second; it does not say whom it knows.
      if (sent.request.method === 'tools/list' && connection.server.slug === 'a' && isMine)
        items['a'] = [{ name: 'open9' }];
      isMine = true;
      return all(sent, connection);
    };
    change('a', [{ name: 'open1' }, { name: 'closed1' }]);
    await later();
    expect([me.told(), they.told()]).toEqual([[], [CHANGED]]);
  });
});

describe('a list that cannot be had', () => {
  it('counts as changed, and as unknown for the next change', async () => {
    const { connector, change, listen } = await world('modern', {});
    const { told } = await listen();
    const fine = connector.respond;
    connector.respond = () => ({ kind: 'error', error: { code: -32_603, message: 'no' } });
    change('a', [{ name: 'open1' }, { name: 'closed1' }]);
    await later();
    expect(told()).toHaveLength(1);
    connector.respond = fine;
    change('a', [{ name: 'open1' }, { name: 'closed1' }]);
    await later();
    expect(told()).toHaveLength(2);
    change('a', [{ name: 'open1' }, { name: 'closed2' }]);
    await later();
    expect(told()).toHaveLength(2);
  });

  it('before anything changed does not hold up the acknowledgement for long', async () => {
    const { connector, listen, change } = await world('modern', {});
    const fine = connector.respond;
    connector.respond = () => new Promise(() => undefined);
    const listening = listen();
    await jest.advanceTimersByTimeAsync(3_000);
    const { told } = await listening;
    connector.respond = fine;
    change('a', [{ name: 'open1' }, { name: 'closed1' }]);
    await later();
    expect(told()).toEqual([CHANGED]);
  });

  it('of a server that is away is none of its neighbours’', async () => {
    const { connector, listen, change } = await world('modern', {});
    connector.beforeOpening = async ({ slug }) => {
      if (slug === 'b') throw new OutcomeError(unreachable('b'));
    };
    const { told } = await listen();
    change('a', [{ name: 'open1' }, { name: 'closed2' }]);
    await later();
    expect(told()).toEqual([]);
  });

  it('without a connection for each who asks, by callers whom nobody knows, is not asked for', async () => {
    const { change, listen, lists } = await world('legacy', {});
    const { told } = await listen({ caller: ANONYMOUS });
    change('a', [{ name: 'open1' }, { name: 'closed2' }]);
    await later();
    expect([told(), lists()]).toEqual([[CHANGED], 0]);
  });
});

describe('another choice of what is shown', () => {
  it('is told, and counts from then on', async () => {
    const { made, change, listen } = await world();
    const { told } = await listen();
    made.registry.configure(SERVERS, { virtualServers: [{ ...DESK, tools: ['a__closed*'] }] });
    await later();
    expect(told()).toEqual([CHANGED]);
    change('a', [{ name: 'open7' }, { name: 'closed1' }]);
    await later();
    expect(told()).toHaveLength(1);
    change('a', [{ name: 'closed7' }]);
    await later();
    expect(told()).toHaveLength(2);
  });

  it('of everything is told without looking', async () => {
    const { made, change, listen, lists } = await world();
    const { told } = await listen();
    const { tools: _tools, ...all } = DESK;
    made.registry.configure(SERVERS, { virtualServers: [all] });
    await later();
    const before = lists();
    change('a', [{ name: 'closed9' }]);
    await later();
    expect([told().length, lists()]).toEqual([2, before]);
  });
});

it('a client that has left is looked for by nobody', async () => {
  const { leaving, listen, change, lists, made } = await world('modern', {});
  const { outcome } = await listen();
  const client = { ...MODERN_CLIENT, capabilities: { roots: {} } };
  const staying = new AbortController();
  const other = await listen({ client, endpoint: 'a', signal: staying.signal });
  leaving.abort();
  await outcome;
  const before = lists();
  change('a', [{ name: 'open5' }]);
  await later();
  expect([lists(), other.told()]).toEqual([before, [CHANGED]]);
  staying.abort();
  await other.outcome;
  expect(made.connector.live.flatMap(({ listeners }) => listeners)).toEqual([]);
});
