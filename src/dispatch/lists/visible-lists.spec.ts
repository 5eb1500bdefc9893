import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ANONYMOUS, OutcomeError } from '#lib/extension-kit';
import { result, type Era, type JsonObject } from '#lib/mcp-protocol';
import { DispatchWorld, type RequestOptions } from '../../../test/support/dispatch-world.js';
import { callerOf, MODERN_CLIENT, remoteServer, settled, unreachable } from '../../../test/support/fake-upstream.js';
import { RecordingSink } from '../../../test/support/recording-sink.js';

const CHANGED = 'notifications/tools/list_changed';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const SERVERS = [remoteServer('a'), remoteServer('b')];
const DESK = { slug: 'desk', public: true, servers: ['a', 'b'], tools: ['a__open*', 'b__*'], resources: ['a+open:*'] };
const PUBLIC = { ttlMs: 60_000, cacheScope: 'public' };

const worlds: DispatchWorld[] = [];

/** Two servers whose tools a test can change, and a virtual server that selects some of them. */
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
      if (connection.server.slug === slug) connection.emitChange({ method, params: {} });
  };
  /** Replaces the tools of a server and announces the change. */
  const change = (slug: string, tools: JsonObject[]) => {
    items[slug] = tools;
    tell(slug, CHANGED);
  };
  const leaving = new AbortController();
  const listen = async (asking: RequestOptions = {}, notifications: JsonObject = { toolsListChanged: true }) => {
    const sink = new RecordingSink();
    const more = { endpoint: 'desk', sink, signal: leaving.signal, ...asking };
    const outcome = made.request('subscriptions/listen', { notifications }, more);
    await sink.until(({ summary }) => summary.length > 0);
    return { outcome, received: () => sink.summary.filter((method) => method !== ACKNOWLEDGED) };
  };
  const lists = (slug = 'a') => made.requestsTo(slug).filter(([method]) => method === 'tools/list').length;
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

describe('a list change at an endpoint that selects items', () => {
  it('is reported only when a selected item changed', async () => {
    const { change, listen } = await world();
    const { received } = await listen();
    change('a', [{ name: 'open1' }, { name: 'closed1' }, { name: 'closed2' }]);
    await later();
    expect(received()).toEqual([]);
    change('a', [{ name: 'open1' }, { name: 'open2' }]);
    await later();
    expect(received()).toEqual([CHANGED]);
    change('a', [{ name: 'open1', description: 'new' }, { name: 'open2' }]);
    await later();
    expect(received()).toHaveLength(2);
    change('b', [{ name: 'y' }]);
    await later();
    expect(received()).toHaveLength(3);
  });

  it('is reported without a list request where all items are shown', async () => {
    const { change, listen, lists } = await world();
    const listeners = [await listen({ endpoint: 'default' }), await listen({ endpoint: 'a' })];
    change('a', [{ name: 'open1' }, { name: 'closed2' }]);
    await later();
    expect(listeners.map(({ received }) => received())).toEqual([[CHANGED], [CHANGED]]);
    expect(lists()).toBe(0);
  });

  it('is reported without a comparison for a kind that is not restricted', async () => {
    const { tell, listen } = await world();
    const { received } = await listen({}, { promptsListChanged: true });
    tell('a', 'notifications/prompts/list_changed');
    await later();
    expect(received()).toEqual(['notifications/prompts/list_changed']);
  });

  it('is reported for resources when a selected template changed', async () => {
    const { templates, tell, listen } = await world();
    const { received } = await listen({}, { resourcesListChanged: true });
    const changed = 'notifications/resources/list_changed';
    templates.push({ uriTemplate: 'closed:{x}', name: 'x' });
    tell('a', changed);
    await later();
    expect(received()).toEqual([]);
    templates.push({ uriTemplate: 'open:{x}', name: 'x' });
    tell('a', changed);
    await later();
    expect(received()).toEqual([changed]);
  });

  it('is reported to a legacy session only when a selected item changed', async () => {
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

  it('causes one list request for all subscribers of one authorization context', async () => {
    const { change, listen, lists } = await world('modern', {});
    const listeners = await Promise.all(Array.from({ length: 50 }, () => listen()));
    expect(lists()).toBe(1);
    change('a', [{ name: 'open2' }]);
    await later();
    expect(lists()).toBe(2);
    expect(listeners.map(({ received }) => received().length)).toEqual(listeners.map(() => 1));
  });

  it('causes one list request for a burst of changes', async () => {
    const { change, listen, lists } = await world('modern', {});
    const { received } = await listen();
    for (let count = 0; count < 100; count += 1) change('a', [{ name: `closed${count}` }]);
    await later();
    expect([lists(), received()]).toEqual([2, [CHANGED]]);
  });

  it('is compared separately for each authorization context', async () => {
    const { made, change, listen, connector, items } = await world('modern', { ttlMs: 60_000, cacheScope: 'private' });
    const all = connector.respond;
    const [me, they] = [await listen({ caller: callerOf('me') }), await listen({ caller: callerOf('they') })];
    let isMine = false;
    made.connector.respond = (sent, connection) => {
      // The server lists another tool from the second request on, which stands for the second caller’s view.
      if (sent.request.method === 'tools/list' && connection.server.slug === 'a' && isMine)
        items['a'] = [{ name: 'open9' }];
      isMine = true;
      return all(sent, connection);
    };
    change('a', [{ name: 'open1' }, { name: 'closed1' }]);
    await later();
    expect([me.received(), they.received()]).toEqual([[], [CHANGED]]);
  });
});

describe('a list change when the list cannot be fetched', () => {
  it('is reported, and so is the next change after the list is available again', async () => {
    const { connector, change, listen } = await world('modern', {});
    const { received } = await listen();
    const fine = connector.respond;
    connector.respond = () => ({ kind: 'error', error: { code: -32_603, message: 'no' } });
    change('a', [{ name: 'open1' }, { name: 'closed1' }]);
    await later();
    expect(received()).toHaveLength(1);
    connector.respond = fine;
    change('a', [{ name: 'open1' }, { name: 'closed1' }]);
    await later();
    expect(received()).toHaveLength(2);
    change('a', [{ name: 'open1' }, { name: 'closed2' }]);
    await later();
    expect(received()).toHaveLength(2);
  });

  it('does not delay the acknowledgement beyond the list timeout', async () => {
    const { connector, listen, change } = await world('modern', {});
    const fine = connector.respond;
    connector.respond = () => new Promise(() => undefined);
    const listening = listen();
    await jest.advanceTimersByTimeAsync(3_000);
    const { received } = await listening;
    connector.respond = fine;
    change('a', [{ name: 'open1' }, { name: 'closed1' }]);
    await later();
    expect(received()).toEqual([CHANGED]);
  });

  it('of a reachable server is compared although another server is unreachable', async () => {
    const { connector, listen, change } = await world('modern', {});
    connector.beforeOpening = async ({ slug }) => {
      if (slug === 'b') throw new OutcomeError(unreachable('b'));
    };
    const { received } = await listen();
    change('a', [{ name: 'open1' }, { name: 'closed2' }]);
    await later();
    expect(received()).toEqual([]);
  });

  it('is reported to an anonymous client of a legacy server without a list request, which would need its own connection', async () => {
    const { change, listen, lists } = await world('legacy', {});
    const { received } = await listen({ caller: ANONYMOUS });
    change('a', [{ name: 'open1' }, { name: 'closed2' }]);
    await later();
    expect([received(), lists()]).toEqual([[CHANGED], 0]);
  });
});

describe('a changed selection of a virtual server', () => {
  it('is reported, and applies to later changes', async () => {
    const { made, change, listen } = await world();
    const { received } = await listen();
    made.registry.configure(SERVERS, { virtualServers: [{ ...DESK, tools: ['a__closed*'] }] });
    await later();
    expect(received()).toEqual([CHANGED]);
    change('a', [{ name: 'open7' }, { name: 'closed1' }]);
    await later();
    expect(received()).toHaveLength(1);
    change('a', [{ name: 'closed7' }]);
    await later();
    expect(received()).toHaveLength(2);
  });

  it('that includes all items reports later changes without a list request', async () => {
    const { made, change, listen, lists } = await world();
    const { received } = await listen();
    const { tools: _tools, ...all } = DESK;
    made.registry.configure(SERVERS, { virtualServers: [all] });
    await later();
    const before = lists();
    change('a', [{ name: 'closed9' }]);
    await later();
    expect([received().length, lists()]).toEqual([2, before]);
  });
});

it('does not fetch lists for a client that has disconnected', async () => {
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
  expect([lists(), other.received()]).toEqual([before, [CHANGED]]);
  staying.abort();
  await other.outcome;
  expect(made.connector.live.flatMap(({ listeners }) => listeners)).toEqual([]);
});
