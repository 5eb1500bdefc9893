import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { endpointsOf } from '../../test/support/endpoints.js';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { EndpointDirectory } from '../catalog/index.js';
import { Session, SessionPoolConfig } from '../session-pool/index.js';
import { UpstreamPool, ConnectionsConfig } from '../connections/index.js';
import { ServerSubscriptions } from './server-subscriptions.js';
import { DeferredListViews } from './list-views.js';
import { SessionSubscriptions } from './session-subscriptions.js';

const [a, b] = [remoteServer('a'), remoteServer('b')];
const TOOLS = { method: 'notifications/tools/list_changed', params: {} };
const resource = (name: string) => ({ server: a, own: `file:///${name}`, uri: `a+file:///${name}` });
const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });

const pools: UpstreamPool[] = [];

function world(endpoint = 'default') {
  const connector = new FakeConnector();
  const registry = new FakeRegistry([a, b]);
  const config = new SessionPoolConfig();
  const pool = new UpstreamPool(connector, new ConnectionsConfig(), registry, clock);
  pools.push(pool);
  const subscriptions = new SessionSubscriptions(
    new ServerSubscriptions(pool, registry, clock),
    endpointsOf(registry),
    new DeferredListViews(),
    clock,
  );
  const start = { id: 'id', caller: callerOf('me'), endpoint, client: LEGACY_CLIENT, answersOnServerStream: false };
  const session = new Session(start, config, clock);
  const sink = new RecordingSink();
  session.openServerStream(sink);
  const received = () => sink.events.flatMap((event) => (event.kind === 'notification' ? [event.notification] : []));
  return { connector, registry, pool, subscriptions, session, received };
}

let clock: ManualClock;

beforeEach(() => {
  Logger.overrideLogger(false);
  clock = new ManualClock();
});

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

it('needs the view of its caller for unknown messages only where the entry of the server allows them', () => {
  const findFor = jest.spyOn(EndpointDirectory.prototype, 'findFor');
  const { registry, session, subscriptions } = world('a');
  subscriptions.restrict(session);
  const passes = () => [session.access.passesUnknownMethods(session, 'a'), findFor.mock.calls.length];
  expect(passes()).toEqual([false, 0]);
  registry.configure([{ ...a, allowUnknownMethods: true }, b]);
  expect(passes()).toEqual([true, 1]);
  findFor.mockRestore();
});

describe('a resource that a session is subscribed to', () => {
  it('sends updates with the public URI until the client unsubscribes', async () => {
    const { connector, subscriptions, session, received } = world();
    await subscriptions.subscribe(session, resource('x'));
    for (let count = 0; count < 100; count += 1) connector.opened[0]?.emitChange(updated('file:///x'));
    await clock.advance(1_000);
    connector.opened[0]?.emitChange(updated('file:///x'));
    await subscriptions.unsubscribe(session, resource('x'));
    connector.opened[0]?.emitChange(updated('file:///x'));
    await clock.advance(1_000);
    expect(received()).toEqual([updated('a+file:///x')]);
    await subscriptions.unsubscribe(session, resource('x'));
  });

  it.each(['its last subscription', 'one of several'])(
    'is unsubscribed from when the server has answered: %s',
    async (what) => {
      const { connector, subscriptions, session } = world();
      await subscriptions.subscribe(session, resource('x'));
      if (what === 'one of several') await subscriptions.subscribe(session, resource('y'));
      const answered = Promise.withResolvers<void>();
      connector.beforeUnsubscribed = () => answered.promise;
      let isUnsubscribed = false;
      const unsubscribing = subscriptions.unsubscribe(session, resource('x')).then(() => (isUnsubscribed = true));
      await clock.advance(0);
      expect(isUnsubscribed).toBe(false);
      answered.resolve();
      await unsubscribing;
      expect(
        connector.opened[0]?.listeners.some(({ filter }) => filter.resourceSubscriptions?.includes('file:///x')),
      ).toBe(false);
    },
  );

  it('sends pending updates at once when the session is flushed', async () => {
    const { connector, subscriptions, session, received } = world();
    await subscriptions.subscribe(session, resource('x'));
    connector.opened[0]?.emitChange(updated('file:///x'));
    subscriptions.flush(session);
    expect(received()).toEqual([updated('a+file:///x')]);
  });

  it('subscribes once to a resource that is requested several times', async () => {
    const { connector, subscriptions, session } = world();
    await Promise.all([1, 2, 3].map(() => subscriptions.subscribe(session, resource('x'))));
    expect(connector.opened[0]?.listeners).toHaveLength(1);
    await subscriptions.unsubscribe(session, resource('x'));
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('rejects a subscription if the server cannot be reached, and accepts a later request', async () => {
    const { connector, subscriptions, session } = world();
    connector.beforeSubscribing = () => Promise.reject(new OutcomeError(unreachable('a')));
    const subscribing = [1, 2].map(() => subscriptions.subscribe(session, resource('x')));
    for (const outcome of await Promise.allSettled(subscribing)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: -31004 } });
    }
    connector.beforeSubscribing = async () => undefined;
    await subscriptions.subscribe(session, resource('x'));
    expect(connector.opened[0]?.listeners).toHaveLength(1);
  });

  it('rejects a subscription that the server does not honour', async () => {
    const { connector, subscriptions, session } = world();
    connector.honours = () => ({});
    await expect(subscriptions.subscribe(session, resource('x'))).rejects.toMatchObject({ code: -32601 });
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('closes a subscription that the client cancels while it is opening', async () => {
    const { connector, subscriptions, session } = world();
    const opening = Promise.withResolvers<undefined>();
    connector.beforeSubscribing = () => opening.promise;
    const subscribing = subscriptions.subscribe(session, resource('x'));
    const unsubscribing = subscriptions.unsubscribe(session, resource('x'));
    opening.resolve(undefined);
    await Promise.all([subscribing, unsubscribing]);
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('closes all subscriptions of an ended session, including one that is opening', async () => {
    const { connector, subscriptions, session } = world();
    await subscriptions.subscribe(session, resource('x'));
    const opening = Promise.withResolvers<undefined>();
    connector.beforeSubscribing = () => opening.promise;
    const subscribing = subscriptions.subscribe(session, resource('y'));
    session.end();
    opening.resolve(undefined);
    await subscribing;
    await clock.advance(0);
    expect(connector.opened.flatMap(({ listeners }) => listeners)).toEqual([]);
    expect(connector.live).toEqual([]);
  });

  it('rejects subscriptions beyond the limit', async () => {
    const { subscriptions, session } = world();
    for (let count = 0; count < 1_000; count += 1) await subscriptions.subscribe(session, resource(String(count)));
    await expect(subscriptions.subscribe(session, resource('more'))).rejects.toMatchObject({
      code: -31003,
      httpStatus: 429,
    });
    await subscriptions.unsubscribe(session, resource('0'));
    await subscriptions.subscribe(session, resource('more'));
  });
});

describe('the lists behind an endpoint', () => {
  it('subscribes to the lists of every server and notifies once per burst', async () => {
    const { connector, subscriptions, session, received } = world();
    subscriptions.subscribeToLists(session);
    subscriptions.subscribeToLists(session);
    await clock.advance(0);
    expect(connector.opened).toHaveLength(2);
    for (const connection of connector.opened) connection.emitChange(TOOLS);
    await clock.advance(1_000);
    expect(received()).toEqual([TOOLS]);
  });

  it('subscribes to the lists of a single server over the session’s own connection', async () => {
    const { connector, pool, subscriptions, session } = world('a');
    subscriptions.subscribeToLists(session);
    await clock.advance(0);
    const scope = { caller: session.start.caller, client: LEGACY_CLIENT, session };
    await pool.use(a, scope, async () => undefined);
    expect(connector.opened).toHaveLength(1);
  });

  it('subscribes to the lists of reachable servers and waits for the others', async () => {
    const { connector, subscriptions, session, received } = world();
    connector.beforeOpening = async ({ slug }) => {
      if (slug === 'a') throw new OutcomeError(unreachable('a'));
    };
    subscriptions.subscribeToLists(session);
    await clock.advance(0);
    expect(connector.opened.map(({ server }) => server.slug)).toEqual(['b']);
    connector.beforeOpening = async () => undefined;
    await clock.advance(60_000);
    expect(connector.opened.map(({ server }) => server.slug)).toEqual(['b', 'a']);
    expect(received()).toContainEqual(TOOLS);
  });

  it('closes the list subscriptions of an ended session', async () => {
    const { connector, subscriptions, session, received } = world();
    subscriptions.subscribeToLists(session);
    await clock.advance(0);
    for (const connection of connector.opened) connection.emitChange(TOOLS);
    session.end();
    await clock.advance(1_000);
    expect(received()).toEqual([]);
    expect(connector.opened.flatMap(({ listeners }) => listeners)).toEqual([]);
  });
});
