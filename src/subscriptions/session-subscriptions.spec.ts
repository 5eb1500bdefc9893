import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { endpointsOf } from '../../test/support/endpoints.js';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
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
  const pool = new UpstreamPool(connector, new ConnectionsConfig(), registry);
  pools.push(pool);
  const feeds = new SessionSubscriptions(
    new ServerSubscriptions(pool, registry),
    endpointsOf(registry),
    new DeferredListViews(),
  );
  const start = { id: 'id', caller: callerOf('me'), endpoint, client: LEGACY_CLIENT, answersOnStandingStream: false };
  const session = new Session(start, config);
  const sink = new RecordingSink();
  session.openStandingStream(sink);
  const heard = () => sink.events.flatMap((event) => (event.kind === 'notification' ? [event.notification] : []));
  return { connector, pool, feeds, session, heard };
}

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers();
});

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
  jest.useRealTimers();
});

describe('a resource that a session is subscribed to', () => {
  it('is told of under the name that the client knows, until the client wants no more', async () => {
    const { connector, feeds, session, heard } = world();
    await feeds.subscribe(session, resource('x'));
    for (let count = 0; count < 100; count += 1) connector.opened[0]?.change(updated('file:///x'));
    await jest.advanceTimersByTimeAsync(1_000);
    connector.opened[0]?.change(updated('file:///x'));
    await feeds.unsubscribe(session, resource('x'));
    connector.opened[0]?.change(updated('file:///x'));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(heard()).toEqual([updated('a+file:///x')]);
    await feeds.unsubscribe(session, resource('x'));
  });

  it('is told of at once when the session leaves', async () => {
    const { connector, feeds, session, heard } = world();
    await feeds.subscribe(session, resource('x'));
    connector.opened[0]?.change(updated('file:///x'));
    feeds.flush(session);
    expect(heard()).toEqual([updated('a+file:///x')]);
  });

  it('is subscribed to once, however often it is asked for', async () => {
    const { connector, feeds, session } = world();
    await Promise.all([1, 2, 3].map(() => feeds.subscribe(session, resource('x'))));
    expect(connector.opened[0]?.listeners).toHaveLength(1);
    await feeds.unsubscribe(session, resource('x'));
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('is not subscribed to when the server refuses; it may be asked for again', async () => {
    const { connector, feeds, session } = world();
    connector.beforeListening = () => Promise.reject(new OutcomeError(unreachable('a')));
    const watching = [1, 2].map(() => feeds.subscribe(session, resource('x')));
    for (const outcome of await Promise.allSettled(watching)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: -31004 } });
    }
    connector.beforeListening = async () => undefined;
    await feeds.subscribe(session, resource('x'));
    expect(connector.opened[0]?.listeners).toHaveLength(1);
  });

  it('is refused when the server would never tell of it', async () => {
    const { connector, feeds, session } = world();
    connector.honours = () => ({});
    await expect(feeds.subscribe(session, resource('x'))).rejects.toMatchObject({ code: -32601 });
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('is let go of when the client changes its mind meanwhile', async () => {
    const { connector, feeds, session } = world();
    const opening = Promise.withResolvers<undefined>();
    connector.beforeListening = () => opening.promise;
    const watching = feeds.subscribe(session, resource('x'));
    const unwatching = feeds.unsubscribe(session, resource('x'));
    opening.resolve(undefined);
    await Promise.all([watching, unwatching]);
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('is let go of with the session, be it in the middle of the subscription', async () => {
    const { connector, feeds, session } = world();
    await feeds.subscribe(session, resource('x'));
    const opening = Promise.withResolvers<undefined>();
    connector.beforeListening = () => opening.promise;
    const watching = feeds.subscribe(session, resource('y'));
    session.end();
    opening.resolve(undefined);
    await watching;
    await jest.advanceTimersByTimeAsync(0);
    expect(connector.opened.flatMap(({ listeners }) => listeners)).toEqual([]);
    expect(connector.live).toEqual([]);
  });

  it('is refused beyond the bound', async () => {
    const { feeds, session } = world();
    for (let count = 0; count < 1_000; count += 1) await feeds.subscribe(session, resource(String(count)));
    await expect(feeds.subscribe(session, resource('more'))).rejects.toMatchObject({ code: -31003, httpStatus: 429 });
    await feeds.unsubscribe(session, resource('0'));
    await feeds.subscribe(session, resource('more'));
  });
});

describe('the lists behind an endpoint', () => {
  it('are followed at every server; the client is told once of a burst', async () => {
    const { connector, feeds, session, heard } = world();
    feeds.subscribeToLists(session);
    feeds.subscribeToLists(session);
    await jest.advanceTimersByTimeAsync(0);
    expect(connector.opened).toHaveLength(2);
    for (const connection of connector.opened) connection.change(TOOLS);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(heard()).toEqual([TOOLS]);
  });

  it('of one server are followed on the session’s own connection', async () => {
    const { connector, pool, feeds, session } = world('a');
    feeds.subscribeToLists(session);
    await jest.advanceTimersByTimeAsync(0);
    const face = { caller: session.start.caller, client: LEGACY_CLIENT, session };
    await pool.use(a, face, async () => undefined);
    expect(connector.opened).toHaveLength(1);
  });

  it('are followed at the servers that are there; the others are waited for', async () => {
    const { connector, feeds, session, heard } = world();
    connector.beforeOpening = async ({ slug }) => {
      if (slug === 'a') throw new OutcomeError(unreachable('a'));
    };
    feeds.subscribeToLists(session);
    await jest.advanceTimersByTimeAsync(0);
    expect(connector.opened.map(({ server }) => server.slug)).toEqual(['b']);
    connector.beforeOpening = async () => undefined;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(connector.opened.map(({ server }) => server.slug)).toEqual(['b', 'a']);
    expect(heard()).toContainEqual(TOOLS);
  });

  it('are followed no longer once the session has ended', async () => {
    const { connector, feeds, session, heard } = world();
    feeds.subscribeToLists(session);
    await jest.advanceTimersByTimeAsync(0);
    for (const connection of connector.opened) connection.change(TOOLS);
    session.end();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(heard()).toEqual([]);
    expect(connector.opened.flatMap(({ listeners }) => listeners)).toEqual([]);
  });
});
