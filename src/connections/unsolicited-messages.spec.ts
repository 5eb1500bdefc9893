import { afterEach, describe, expect, it } from '@jest/globals';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  settled,
  type FakeConnection,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { ServerDefinition } from '../registry/index.js';
import { accessTo, createSession } from '../session-pool/testing.js';
import type { Session } from '../session-pool/index.js';
import { limits } from './connections-fixture.js';
import { UpstreamPool } from './upstream-pool.js';

const ROOTS = { method: 'roots/list', params: {} };
const ANSWER = { result: { roots: [{ uri: 'file:///home' }] } };
const LOGGED = { method: 'notifications/message', params: { level: 'info', data: 'started' } };

const NEVER_ABORTED = new AbortController().signal;

const pools: UpstreamPool[] = [];

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

function world(server: ServerDefinition) {
  const connector = new FakeConnector();
  const pool = new UpstreamPool(connector, limits(), new FakeRegistry([server]), new SystemClock());
  pools.push(pool);
  const connect = async (session = createSession({ endpoint: server.slug })) => {
    const scope = { caller: session.caller, client: LEGACY_CLIENT, session };
    await pool.use(server, scope, async () => undefined);
    return session;
  };
  const connection = (): FakeConnection => {
    const [opened] = connector.opened;
    if (!opened) throw new Error('Nothing was opened.');
    return opened;
  };
  return { connector, pool, connect, connection };
}

/** Opens the server stream of a session, whose client answers every question. */
function answering(session: Session): RecordingSink {
  const sink = new RecordingSink();
  session.openServerStream({
    emit: (event) => {
      if (event.kind === 'question') session.answerQuestion(event.id, ANSWER);
      return sink.emit(event);
    },
    end: () => undefined,
  });
  return sink;
}

describe('a question that belongs to no request', () => {
  it.each([
    ['over a session of its own', remoteServer('a')],
    ['of a child process that the principal shares', childServer('a')],
  ])('is sent to the only session, %s', async (_where, server) => {
    const { connect, connection } = world(server);
    const session = await connect();
    const sink = answering(session);
    await expect(connection().ask(ROOTS)).resolves.toEqual(ANSWER);
    expect(sink.summary).toEqual(['opened', 'question 1']);
  });

  it('is refused if several sessions share the process', async () => {
    const { connect, connection } = world(childServer('a'));
    for (const session of [await connect(), await connect()]) answering(session);
    expect(connection().ask(ROOTS)).toBeUndefined();
  });

  it('is sent to the session that is left when the others have ended', async () => {
    const { connect, connection } = world(childServer('a'));
    const [one, other] = [await connect(), await connect()];
    answering(one);
    other.end();
    await expect(connection().ask(ROOTS)).resolves.toEqual(ANSWER);
  });

  it('is sent to the session whose call alone may lead to questions, also if several share the process', async () => {
    const { connect, connection } = world(childServer('a'));
    const [one, other] = [await connect(), await connect()];
    const sinks = [one, other].map(answering);
    await expect(connection().ask(ROOTS, NEVER_ABORTED, `session ${other.id}`)).resolves.toEqual(ANSWER);
    expect(sinks.map(({ summary }) => summary)).toEqual([['opened'], ['opened', 'question 1']]);
  });

  it('is left to the call of a client without a session', async () => {
    const { connect, connection } = world(childServer('a'));
    answering(await connect());
    expect(connection().ask(ROOTS, NEVER_ABORTED, 'principal tests|me')).toBeUndefined();
  });

  it('is refused if all clients share the process, also while there is only one', async () => {
    const { connect, connection } = world(childServer('a', { isolation: 'none' }));
    answering(await connect());
    expect(connection().ask(ROOTS)).toBeUndefined();
  });

  it('is refused if no session uses the connection', async () => {
    const server = remoteServer('a');
    const { pool, connection } = world(server);
    const scope = { caller: callerOf('me'), client: LEGACY_CLIENT, session: undefined };
    await pool.use(server, scope, async () => undefined);
    expect(connection().ask(ROOTS)).toBeUndefined();
  });

  it('is refused while the server is hidden from the caller of the session', async () => {
    const { connect, connection } = world(remoteServer('a'));
    const session = await connect();
    session.access = accessTo(() => false);
    expect(connection().ask(ROOTS)).toBeUndefined();
  });
});

describe('a message of a modern server that belongs to no request', () => {
  it('reaches none of the sessions of a principal that share its process', async () => {
    const { connector, connect, connection } = world(childServer('a'));
    connector.eras.set('a', 'modern');
    const sinks = [await connect(), await connect()].map(answering);
    connection().emitNotification(LOGGED);
    expect(connection().ask(ROOTS)).toBeUndefined();
    expect(sinks.map(({ summary }) => summary)).toEqual([['opened'], ['opened']]);
  });
});

describe('what a server sends before its connection is open', () => {
  it('reaches the session for which it is opened', async () => {
    const { connector, connect } = world(remoteServer('a'));
    let asked: ReturnType<FakeConnection['ask']>;
    const { open } = connector;
    connector.open = async (...parameters) => {
      const connection = (await open.apply(connector, parameters)) as FakeConnection;
      connection.emitNotification(LOGGED);
      asked = connection.ask(ROOTS);
      return connection;
    };
    const sink = answering(await connect());
    await expect(asked).resolves.toEqual(ANSWER);
    await settled();
    expect(sink.summary).toEqual(['opened', LOGGED.method, 'question 1']);
  });
});
