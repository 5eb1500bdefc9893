import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, LEGACY_CLIENT, settled, type FakeConnection } from '../../test/support/fake-upstream.js';
import type { ConnectionEvents } from '../upstream/index.js';
import { connectionOwner, createToolCall, RecordingReply, server } from './connection-owner-fixture.js';
import { LinkedBus } from './linked-bus-fixture.js';
import { RemoteConnection } from './remote-connection.js';

const LOGGED = { method: 'notifications/message', params: { level: 'info', data: 'hello' } };
const ROOTS = { method: 'roots/list', params: {} };
const ANSWER = { result: { roots: [] } };

let there: ReturnType<typeof connectionOwner>;
let clock: ManualClock;
let bus: LinkedBus;
let notified: string[];

/** Leases the connection of the other worker for clients that answer questions in this way. */
const asking = (question: NonNullable<ConnectionEvents['question']>): Promise<RemoteConnection> =>
  RemoteConnection.open(
    bus,
    { worker: 'there', server, caller: callerOf('me'), client: LEGACY_CLIENT },
    { notify: ({ method }) => void notified.push(method), closed: () => undefined, question },
    clock,
  );

const child = (): FakeConnection => {
  const [opened] = there.connector.opened;
  if (!opened) throw new Error('Nothing was opened.');
  return opened;
};

beforeEach(() => {
  notified = [];
  clock = new ManualClock();
  there = connectionOwner(clock);
  bus = new LinkedBus('here');
  bus.workers.set('there', there.serves);
});

afterEach(async () => {
  await there.pool.close();
});

describe('a question outside any call', () => {
  it('is sent to the only worker that leases the connection', async () => {
    await asking(async () => ANSWER);
    await expect(child().ask(ROOTS)).resolves.toEqual(ANSWER);
  });

  it('names the session whose call alone may lead to questions', async () => {
    const asked: unknown[] = [];
    await asking(async (_question, _signal, client) => {
      asked.push(client);
      return ANSWER;
    });
    await child().ask(ROOTS, new AbortController().signal, 'session theirs');
    await child().ask(ROOTS);
    expect(asked).toEqual(['session theirs', undefined]);
  });

  it('is refused while several workers lease the connection', async () => {
    const [one] = [await asking(async () => ANSWER), await asking(async () => ANSWER)];
    expect(child().ask(ROOTS)).toBeUndefined();
    await one.close();
    await expect(child().ask(ROOTS)).resolves.toEqual(ANSWER);
  });

  it('is answered with an error if the other worker does not know whom to ask', async () => {
    await asking(() => undefined);
    await expect(child().ask(ROOTS)).resolves.toMatchObject({ error: { code: -32600 } });
  });

  it('is withdrawn at the other worker when the server cancels it', async () => {
    const withdrawn = Promise.withResolvers<void>();
    await asking((_question, signal) => {
      signal.addEventListener('abort', () => withdrawn.resolve());
      return new Promise(() => undefined);
    });
    const cancelling = new AbortController();
    const answer = child().ask(ROOTS, cancelling.signal);
    await settled();
    cancelling.abort();
    await withdrawn.promise;
    await expect(answer).rejects.toThrow('did not answer');
  });

  it('fails when the lease ends', async () => {
    const lease = await asking(() => new Promise(() => undefined));
    const answer = child().ask(ROOTS);
    await settled();
    await lease.close();
    await expect(answer).rejects.toThrow('did not answer');
  });

  it('reaches the other worker also if the server asks before the lease has begun', async () => {
    const { open } = there.connector;
    let answer: ReturnType<FakeConnection['ask']>;
    there.connector.open = async (...parameters) => {
      const opened = (await open.apply(there.connector, parameters)) as FakeConnection;
      opened.emitNotification(LOGGED);
      answer = opened.ask(ROOTS);
      return opened;
    };
    await asking(async () => ANSWER);
    await expect(answer).resolves.toEqual(ANSWER);
    expect(notified).toEqual([LOGGED.method]);
  });
});

describe('a call over a leased connection', () => {
  it('is cancelled at the owner with the reason of its client', async () => {
    there.connector.respond = () => new Promise(() => undefined);
    const controller = new AbortController();
    const outcome = (await asking(() => undefined)).request(createToolCall(), new RecordingReply(), controller.signal);
    while (child().sent.length === 0) await settled();
    controller.abort('too slow');
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
    expect(child().sent[0]?.signal.reason).toBe('too slow');
  });
});
