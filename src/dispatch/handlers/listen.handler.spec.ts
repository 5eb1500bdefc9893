import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { result, type JsonObject, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { remoteServer, unreachable } from '../../../test/support/fake-upstream.js';
import { RecordingSink } from '../../../test/support/recording-sink.js';

const TOOLS = { method: 'notifications/tools/list_changed', params: {} };
const PROMPTS = { method: 'notifications/prompts/list_changed', params: {} };
const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

const worlds: DispatchWorld[] = [];

async function world() {
  const reading = { slug: 'reading', public: false, servers: ['a'], resources: ['a+open:*'] };
  const made = await DispatchWorld.open(
    [remoteServer('a'), remoteServer('b')],
    { virtualServers: [reading] },
    { listTimeoutMs: 3_000 },
  );
  worlds.push(made);
  const { connector } = made;
  const listen = (notifications: unknown, endpoint = 'default') => {
    const sink = new RecordingSink();
    const leaving = new AbortController();
    const params = { notifications } as JsonObject;
    const outcome = made.request('subscriptions/listen', params, { endpoint, sink, signal: leaving.signal });
    const received = () => sink.events.flatMap((event) => (event.kind === 'notification' ? [event.notification] : []));
    return { outcome, sink, received, disconnect: () => leaving.abort() };
  };
  const at = (slug: string) => connector.opened.find(({ server }) => server.slug === slug);
  const change = (slug: string, notification: McpNotification) => at(slug)?.emitChange(notification);
  return { made, connector, listen, at, change };
}

/** Runs everything that is due without advancing the time. */
const soon = () => jest.advanceTimersByTimeAsync(0);
const later = () => jest.advanceTimersByTimeAsync(1_000);

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers();
});

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
  jest.useRealTimers();
});

describe('subscriptions/listen', () => {
  it('acknowledges the honoured filter first, then sends one notification for each burst until the client disconnects', async () => {
    const { connector, listen, change } = await world();
    const { outcome, received, disconnect } = listen({ toolsListChanged: true });
    await soon();
    expect(received()).toEqual([{ method: ACKNOWLEDGED, params: { notifications: { toolsListChanged: true } } }]);
    for (const slug of ['a', 'b', 'a']) change(slug, TOOLS);
    await later();
    expect(received().slice(1)).toEqual([TOOLS]);
    change('a', TOOLS);
    disconnect();
    expect(await outcome).toEqual(result({}));
    await later();
    expect(received()).toHaveLength(2);
    expect(connector.opened.flatMap(({ listeners }) => listeners)).toEqual([]);
  });

  it('reports an updated resource under the public URI of the subscription', async () => {
    const { listen, at, change } = await world();
    const { received } = listen({ resourceSubscriptions: ['a+file:///x', 'a+file:///x', 'nobody+file:///x'] });
    await soon();
    expect(received()[0]?.params).toEqual({ notifications: { resourceSubscriptions: ['a+file:///x'] } });
    expect(at('a')?.listeners.map(({ filter }) => filter)).toEqual([{ resourceSubscriptions: ['file:///x'] }]);
    expect(at('b')).toBeUndefined();
    for (let count = 0; count < 100; count += 1) change('a', updated('file:///x'));
    await later();
    expect(received().slice(1)).toEqual([updated('a+file:///x')]);
  });

  it('reports an updated sub-resource under the public URI of the sub-resource', async () => {
    const { listen, change } = await world();
    const { received } = listen({ resourceSubscriptions: ['a+file:///d/'] });
    await soon();
    change('a', updated('file:///d/1'));
    await later();
    expect(received().slice(1)).toEqual([updated('a+file:///d/1')]);
    for (let part = 0; part < 100; part += 1) change('a', updated(`file:///d/${part}`));
    await later();
    expect(received().slice(2)).toEqual([updated('a+file:///d/')]);
  });

  it('sends at most two notifications for a hundred changes within two seconds, one of them after the last change', async () => {
    const { listen, change } = await world();
    const { received } = listen({ toolsListChanged: true });
    await soon();
    for (let count = 0; count < 100; count += 1) {
      change('a', TOOLS);
      await jest.advanceTimersByTimeAsync(19);
    }
    const before = received().length;
    await later();
    expect(received().length).toBeGreaterThan(before);
    expect(received().slice(1).length).toBeLessThanOrEqual(2);
  });

  it('sends no notification outside the acknowledged filter', async () => {
    const { connector, listen, change } = await world();
    connector.honours = ({ resourceSubscriptions: _none, ...lists }) => lists;
    const { received } = listen({ toolsListChanged: true, resourceSubscriptions: ['a+file:///x'] });
    await soon();
    expect(received()[0]?.params).toEqual({ notifications: { toolsListChanged: true } });
    for (const notification of [PROMPTS, updated('file:///x'), updated('file:///y')]) change('a', notification);
    await later();
    expect(received()).toHaveLength(1);
  });

  it('sends changes that precede the acknowledgement after it', async () => {
    const { connector, listen, change } = await world();
    const slow = Promise.withResolvers<undefined>();
    connector.beforeSubscribing = ({ server }) => (server.slug === 'b' ? slow.promise : Promise.resolve());
    const { received } = listen({ toolsListChanged: true, resourceSubscriptions: ['a+file:///x'] });
    await soon();
    for (const notification of [updated('file:///x'), updated('file:///x'), TOOLS]) change('a', notification);
    await later();
    expect(received()).toEqual([]);
    slow.resolve(undefined);
    await soon();
    expect(received().map(({ method }) => method)).toEqual([ACKNOWLEDGED, updated('').method, TOOLS.method]);
  });

  it('does not honour a subscription to a resource that the endpoint does not show', async () => {
    const { listen } = await world();
    const { received } = listen({ resourceSubscriptions: ['a+open:x', 'a+closed:x', 'b+open:x'] }, 'reading');
    await soon();
    expect(received()[0]?.params).toEqual({ notifications: { resourceSubscriptions: ['a+open:x'] } });
  });

  it('acknowledges an empty filter with an empty filter and opens no connection', async () => {
    const { connector, listen } = await world();
    const { received } = listen({});
    await soon();
    expect(received()).toEqual([{ method: ACKNOWLEDGED, params: { notifications: {} } }]);
    expect(connector.opened).toEqual([]);
  });

  it.each([undefined, null, 'tools', [], { resourceSubscriptions: 'a' }, { resourceSubscriptions: [7] }])(
    'rejects the malformed filter %j',
    async (notifications) => {
      const { listen } = await world();
      expect(await listen(notifications).outcome).toMatchObject({ error: { code: -32602 } });
    },
  );

  it('rejects a filter with more than 1,000 resources', async () => {
    const { connector, listen } = await world();
    const uris = Array.from({ length: 1_001 }, (_, index) => `a+file:///${index}`);
    expect(await listen({ resourceSubscriptions: uris }).outcome).toMatchObject({ error: { code: -32602 } });
    expect(connector.opened).toEqual([]);
  });
});

/** The timeout of the servers' subscriptions has passed: the clock calls a listener one turn of the event loop later. */
const TIMEOUT_PASSED_MS = 3_001;

describe('subscriptions/listen with an unavailable server', () => {
  it('sends the changes of the other servers when one server is unreachable', async () => {
    const { connector, listen, change } = await world();
    connector.beforeOpening = async ({ slug }) => {
      if (slug === 'a') throw new OutcomeError(unreachable('a'));
    };
    const { received } = listen({ toolsListChanged: true });
    await soon();
    change('b', TOOLS);
    await later();
    expect(received().map(({ method }) => method)).toEqual([ACKNOWLEDGED, TOOLS.method]);
  });

  it('fails when every server of the endpoint is unreachable', async () => {
    const { connector, listen } = await world();
    connector.beforeOpening = ({ slug }) => Promise.reject(new OutcomeError(unreachable(slug)));
    for (const endpoint of ['default', 'a']) {
      const { outcome, received } = listen({ toolsListChanged: true }, endpoint);
      expect(await outcome).toMatchObject({ error: { code: -31004, data: { server: 'a' } } });
      expect(received()).toEqual([]);
    }
  });

  it('acknowledges without a late server, and sends its changes once it is subscribed', async () => {
    const { connector, listen, at, change } = await world();
    const slow = Promise.withResolvers<undefined>();
    connector.beforeSubscribing = ({ server }) => (server.slug === 'b' ? slow.promise : Promise.resolve());
    const { received, disconnect, outcome } = listen({ toolsListChanged: true });
    await jest.advanceTimersByTimeAsync(TIMEOUT_PASSED_MS);
    expect(received()).toHaveLength(1);
    slow.resolve(undefined);
    await soon();
    change('b', TOOLS);
    await later();
    expect(received().map(({ method }) => method)).toEqual([ACKNOWLEDGED, TOOLS.method]);
    disconnect();
    await outcome;
    await soon();
    expect(at('b')?.listeners).toEqual([]);
  });

  it.each(['is late', 'cannot be reached'])(
    'announces the lists of a server that %s, once it is there',
    async (how) => {
      const { connector, listen } = await world();
      connector.honours = () => ({});
      const slow = Promise.withResolvers<undefined>();
      connector.beforeOpening = ({ slug }) => {
        if (slug === 'a') return Promise.resolve(undefined);
        return how === 'is late' ? slow.promise : Promise.reject(new OutcomeError(unreachable('b')));
      };
      const { received } = listen({ toolsListChanged: true, promptsListChanged: true });
      await jest.advanceTimersByTimeAsync(TIMEOUT_PASSED_MS);
      const lists = { toolsListChanged: true, promptsListChanged: true };
      expect(received()).toEqual([{ method: ACKNOWLEDGED, params: { notifications: lists } }]);
      connector.beforeOpening = async () => undefined;
      slow.resolve(undefined);
      await jest.advanceTimersByTimeAsync(60_000);
      expect(received().slice(1)).toEqual([TOOLS, PROMPTS]);
    },
  );

  it('announces a list that lacked a server, once that list of the server is fetched', async () => {
    const { made, connector, listen } = await world();
    const { received } = listen({ toolsListChanged: true, promptsListChanged: true });
    await soon();
    const starting = Promise.withResolvers<Outcome>();
    connector.respond = (_sent, { server: { slug } }) => (slug === 'b' ? starting.promise : result({ tools: [] }));
    const listing = made.request('tools/list');
    await jest.advanceTimersByTimeAsync(TIMEOUT_PASSED_MS);
    expect(await listing).toMatchObject({ result: { _meta: { 'isthmus/warnings': [{ server: 'b' }] } } });
    expect(received()).toHaveLength(1);
    starting.resolve(result({ tools: [] }));
    await later();
    expect(received().slice(1)).toEqual([TOOLS]);
    await made.request('tools/list');
    await later();
    expect(received()).toHaveLength(2);
  });

  it('closes a late upstream subscription when the client has disconnected', async () => {
    const { connector, listen, at } = await world();
    const slow = Promise.withResolvers<undefined>();
    connector.beforeSubscribing = ({ server }) => (server.slug === 'b' ? slow.promise : Promise.resolve());
    const { outcome, disconnect } = listen({ toolsListChanged: true });
    disconnect();
    await jest.advanceTimersByTimeAsync(TIMEOUT_PASSED_MS);
    await outcome;
    slow.resolve(undefined);
    await soon();
    expect([at('a')?.listeners, at('b')?.listeners]).toEqual([[], []]);
  });

  it('fails when no server answers in time', async () => {
    const { connector, listen } = await world();
    connector.beforeSubscribing = () => new Promise<undefined>(() => undefined);
    const { outcome } = listen({ toolsListChanged: true });
    await jest.advanceTimersByTimeAsync(TIMEOUT_PASSED_MS);
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
  });
});
