import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { result, type JsonObject, type McpNotification } from '#lib/mcp-protocol';
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
    const told = () => sink.events.flatMap((event) => (event.kind === 'notification' ? [event.notification] : []));
    return { outcome, sink, told, leave: () => leaving.abort() };
  };
  const at = (slug: string) => connector.opened.find(({ server }) => server.slug === slug);
  const change = (slug: string, notification: McpNotification) => at(slug)?.change(notification);
  return { made, connector, listen, at, change };
}

/** Lets what needs no time happen. */
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

describe('a client that listens', () => {
  it('is told first what is honoured, then once of each burst, until it leaves', async () => {
    const { connector, listen, change } = await world();
    const { outcome, told, leave } = listen({ toolsListChanged: true });
    await soon();
    expect(told()).toEqual([{ method: ACKNOWLEDGED, params: { notifications: { toolsListChanged: true } } }]);
    for (const slug of ['a', 'b', 'a']) change(slug, TOOLS);
    await later();
    expect(told().slice(1)).toEqual([TOOLS]);
    change('a', TOOLS);
    leave();
    expect(await outcome).toEqual(result({}));
    await later();
    expect(told()).toHaveLength(2);
    expect(connector.opened.flatMap(({ listeners }) => listeners)).toEqual([]);
  });

  it('hears of a resource under the name that it asked for', async () => {
    const { listen, at, change } = await world();
    const { told } = listen({ resourceSubscriptions: ['a+file:///x', 'a+file:///x', 'nobody+file:///x'] });
    await soon();
    expect(told()[0]?.params).toEqual({ notifications: { resourceSubscriptions: ['a+file:///x'] } });
    expect(at('a')?.listeners.map(({ filter }) => filter)).toEqual([{ resourceSubscriptions: ['file:///x'] }]);
    expect(at('b')).toBeUndefined();
    for (let count = 0; count < 100; count += 1) change('a', updated('file:///x'));
    await later();
    expect(told().slice(1)).toEqual([updated('a+file:///x')]);
  });

  it('hears of a part of a resource under the name of the part', async () => {
    const { listen, change } = await world();
    const { told } = listen({ resourceSubscriptions: ['a+file:///d/'] });
    await soon();
    change('a', updated('file:///d/1'));
    await later();
    expect(told().slice(1)).toEqual([updated('a+file:///d/1')]);
    for (let part = 0; part < 100; part += 1) change('a', updated(`file:///d/${part}`));
    await later();
    expect(told().slice(2)).toEqual([updated('a+file:///d/')]);
  });

  it('is told at most twice of a hundred changes within two seconds, and of the last', async () => {
    const { listen, change } = await world();
    const { told } = listen({ toolsListChanged: true });
    await soon();
    for (let count = 0; count < 100; count += 1) {
      change('a', TOOLS);
      await jest.advanceTimersByTimeAsync(19);
    }
    const before = told().length;
    await later();
    expect(told().length).toBeGreaterThan(before);
    expect(told().slice(1).length).toBeLessThanOrEqual(2);
  });

  it('hears nothing of what was not acknowledged', async () => {
    const { connector, listen, change } = await world();
    connector.honours = ({ resourceSubscriptions: _none, ...lists }) => lists;
    const { told } = listen({ toolsListChanged: true, resourceSubscriptions: ['a+file:///x'] });
    await soon();
    expect(told()[0]?.params).toEqual({ notifications: { toolsListChanged: true } });
    for (const notification of [PROMPTS, updated('file:///x'), updated('file:///y')]) change('a', notification);
    await later();
    expect(told()).toHaveLength(1);
  });

  it('hears after the acknowledgement what changed before it', async () => {
    const { connector, listen, change } = await world();
    const slow = Promise.withResolvers<undefined>();
    connector.beforeListening = ({ server }) => (server.slug === 'b' ? slow.promise : Promise.resolve());
    const { told } = listen({ toolsListChanged: true, resourceSubscriptions: ['a+file:///x'] });
    await soon();
    for (const notification of [updated('file:///x'), updated('file:///x'), TOOLS]) change('a', notification);
    await later();
    expect(told()).toEqual([]);
    slow.resolve(undefined);
    await soon();
    expect(told().map(({ method }) => method)).toEqual([ACKNOWLEDGED, updated('').method, TOOLS.method]);
  });

  it('listens to nothing that its endpoint does not show', async () => {
    const { listen } = await world();
    const { told } = listen({ resourceSubscriptions: ['a+open:x', 'a+closed:x', 'b+open:x'] }, 'reading');
    await soon();
    expect(told()[0]?.params).toEqual({ notifications: { resourceSubscriptions: ['a+open:x'] } });
  });

  it('for nothing gets nothing, honestly', async () => {
    const { connector, listen } = await world();
    const { told } = listen({});
    await soon();
    expect(told()).toEqual([{ method: ACKNOWLEDGED, params: { notifications: {} } }]);
    expect(connector.opened).toEqual([]);
  });

  it.each([undefined, null, 'tools', [], { resourceSubscriptions: 'a' }, { resourceSubscriptions: [7] }])(
    'is refused when it says %j',
    async (notifications) => {
      const { listen } = await world();
      expect(await listen(notifications).outcome).toMatchObject({ error: { code: -32602 } });
    },
  );

  it('is refused when it wants too much', async () => {
    const { connector, listen } = await world();
    const uris = Array.from({ length: 1_001 }, (_, index) => `a+file:///${index}`);
    expect(await listen({ resourceSubscriptions: uris }).outcome).toMatchObject({ error: { code: -32602 } });
    expect(connector.opened).toEqual([]);
  });
});

describe('a server that cannot be listened to', () => {
  it('costs its own changes', async () => {
    const { connector, listen, change } = await world();
    connector.beforeOpening = async ({ slug }) => {
      if (slug === 'a') throw new OutcomeError(unreachable('a'));
    };
    const { told } = listen({ toolsListChanged: true });
    await soon();
    change('b', TOOLS);
    await later();
    expect(told().map(({ method }) => method)).toEqual([ACKNOWLEDGED, TOOLS.method]);
  });

  it('is a failure where there is no other', async () => {
    const { connector, listen } = await world();
    connector.beforeOpening = ({ slug }) => Promise.reject(new OutcomeError(unreachable(slug)));
    for (const endpoint of ['default', 'a']) {
      const { outcome, told } = listen({ toolsListChanged: true }, endpoint);
      expect(await outcome).toMatchObject({ error: { code: -31004, data: { server: 'a' } } });
      expect(told()).toEqual([]);
    }
  });

  it('in time does not hold up the acknowledgement, and joins when it is there', async () => {
    const { connector, listen, at, change } = await world();
    const slow = Promise.withResolvers<undefined>();
    connector.beforeListening = ({ server }) => (server.slug === 'b' ? slow.promise : Promise.resolve());
    const { told, leave, outcome } = listen({ toolsListChanged: true });
    await jest.advanceTimersByTimeAsync(3_000);
    expect(told()).toHaveLength(1);
    slow.resolve(undefined);
    await soon();
    change('b', TOOLS);
    await later();
    expect(told().map(({ method }) => method)).toEqual([ACKNOWLEDGED, TOOLS.method]);
    leave();
    await outcome;
    await soon();
    expect(at('b')?.listeners).toEqual([]);
  });

  it('is let go of when it comes after its client has left', async () => {
    const { connector, listen, at } = await world();
    const slow = Promise.withResolvers<undefined>();
    connector.beforeListening = ({ server }) => (server.slug === 'b' ? slow.promise : Promise.resolve());
    const { outcome, leave } = listen({ toolsListChanged: true });
    leave();
    await jest.advanceTimersByTimeAsync(3_000);
    await outcome;
    slow.resolve(undefined);
    await soon();
    expect([at('a')?.listeners, at('b')?.listeners]).toEqual([[], []]);
  });

  it('fails the client when nobody answers in time', async () => {
    const { connector, listen } = await world();
    connector.beforeListening = () => new Promise<undefined>(() => undefined);
    const { outcome } = listen({ toolsListChanged: true });
    await jest.advanceTimersByTimeAsync(3_000);
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
  });
});
