import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestMicroservice } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OutcomeError } from '#lib/extension-kit';
import { result, type Outcome } from '#lib/mcp-protocol';
import { MemoryRelay, WorkerBusServer, type WorkerBus } from '#lib/worker-bus';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { until } from '../../test/support/until.js';
import { ServerRegistry } from '../registry/index.js';
import { ConnectionsConfig } from './connections.config.js';
import { UpstreamPool } from './upstream-pool.js';
import { InFlightWaits } from '../workers/index.js';
import type { UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import { PoolInboxController } from './pool-inbox.controller.js';
import { PoolPattern } from './pool-orders.js';
import { RemoteConnection } from './remote-connection.js';

const server = childServer('child');
const SECRET = Buffer.alloc(32, 7);
const LOGGED = { method: 'notifications/message', params: { level: 'info', data: 'hello' } };
const NEVER = new AbortController().signal;
const CALL: UpstreamRequest = { method: 'tools/call', params: { name: 'any', arguments: {} }, client: LEGACY_CLIENT };

let relay: MemoryRelay;
let connector: FakeConnector;
let pool: UpstreamPool;
let workers: INestMicroservice[];
let here: WorkerBus;
/** The inbox of the worker that was started last. */
let waits: InFlightWaits;

/** Starts a worker with an inbox, wired as in the gateway. */
async function startWorker(workerId: string): Promise<WorkerBus> {
  const registry = new FakeRegistry([server]);
  connector = new FakeConnector();
  pool = new UpstreamPool(connector, new ConnectionsConfig(), registry);
  const strategy = new WorkerBusServer({ me: workerId, secret: SECRET, wire: relay, ledger: relay, directory: relay });
  const module = await Test.createTestingModule({
    controllers: [PoolInboxController],
    providers: [
      { provide: UpstreamPool, useValue: pool },
      { provide: ServerRegistry, useValue: registry },
      InFlightWaits,
    ],
  }).compile();
  waits = module.get(InFlightWaits);
  const worker = module.createNestMicroservice({ strategy, logger: false });
  await worker.listen();
  workers.push(worker);
  return strategy.node;
}

const ends: string[] = [];
const notified: string[] = [];

const connect = (to = 'there', slug = server.slug): Promise<RemoteConnection> =>
  RemoteConnection.open(
    here,
    { worker: to, server: { ...server, slug }, caller: callerOf('me'), client: LEGACY_CLIENT },
    { notify: ({ method }) => void notified.push(method), closed: (reason) => void ends.push(reason) },
  );

const replyOf = (more: Partial<UpstreamReply> = {}): UpstreamReply => ({
  notify: () => undefined,
  answerQuestion: async () => ({ result: {} }),
  ...more,
});

beforeEach(async () => {
  [relay, workers] = [new MemoryRelay(), []];
  ends.length = 0;
  notified.length = 0;
  here = await startWorker('here');
  await startWorker('there');
});

afterEach(async () => {
  for (const worker of workers) await worker.close();
});

describe('connections that another worker leases over the bus', () => {
  it('forward a request, its notifications and questions, and its outcome', async () => {
    connector.respond = async ({ reply }) => {
      await reply.notify(LOGGED);
      const given = await reply.answerQuestion({ method: 'roots/list', params: {} }, NEVER);
      return result({ given: 'result' in given ? given.result : {} });
    };
    const received: string[] = [];
    const reply = replyOf({
      notify: ({ method }) => void received.push(method),
      answerQuestion: async ({ method }) => ({ result: { method } }),
    });
    const outcome = await (await connect()).request(CALL, reply, NEVER);
    expect(outcome).toEqual(result({ given: { method: 'roots/list' } }));
    expect(received).toEqual([LOGGED.method]);
  });

  it('set the most verbose log level of all leases at the server', async () => {
    const [one, other] = [await connect(), await connect()];
    const set = (connection: RemoteConnection, level: string, client: string) => {
      const asker = { principal: 'me', client };
      const request = { method: 'logging/setLevel', params: { level }, client: LEGACY_CLIENT, asker };
      return connection.request(request, replyOf(), NEVER);
    };
    await set(one, 'debug', 'phone');
    await set(other, 'error', 'desk');
    expect(connector.opened[0]?.sent.map(({ request }) => request.params['level'])).toEqual(['debug', 'debug']);
  });

  it('carry large answers and many concurrent calls', async () => {
    const text = 'x'.repeat(300_000);
    connector.respond = ({ request }) => result({ text, name: request.params['name'] });
    const connection = await connect();
    const names = Array.from({ length: 50 }, (_, index) => `tool ${index}`);
    const outcomes = await Promise.all(
      names.map((name) => connection.request({ ...CALL, params: { name } }, replyOf(), NEVER)),
    );
    expect(outcomes).toEqual(names.map((name) => result({ text, name })));
  });

  it('cancel a call at the server when the requester cancels it', async () => {
    connector.respond = () => new Promise<Outcome>(() => undefined);
    const controller = new AbortController();
    const outcome = (await connect()).request(CALL, replyOf(), controller.signal);
    await until(() => connector.opened[0]?.sent.length === 1);
    controller.abort();
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
    expect(connector.opened[0]?.sent[0]?.signal.aborted).toBe(true);
  });

  it('forward the server’s own notifications and its changes', async () => {
    const connection = await connect();
    const changes: string[] = [];
    const listening = await connection.subscribe({ toolsListChanged: true }, ({ method }) => void changes.push(method));
    connector.opened[0]?.say(LOGGED);
    connector.opened[0]?.change({ method: 'notifications/tools/list_changed', params: {} });
    await until(() => notified.length + changes.length === 2);
    await listening.close();
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('report why a connection cannot be opened', async () => {
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('child')));
    await expect(connect()).rejects.toMatchObject({ code: -31004, data: { outcome: 'not_executed', server: 'child' } });
  });

  it('reject a server that is not configured on the owner', async () => {
    await expect(connect('there', 'unknown')).rejects.toMatchObject({ data: { outcome: 'not_executed' } });
  });

  it('reject a worker that is not running', async () => {
    await expect(connect('nowhere')).rejects.toMatchObject({ code: -31001, data: { outcome: 'not_executed' } });
  });

  it('close at the requester when the server connection closes', async () => {
    const connection = await connect();
    connector.opened[0]?.die();
    await until(() => connection.closed);
    expect(ends).toHaveLength(1);
  });

  it('are closed at the owner once the requester has released them', async () => {
    const connection = await connect();
    await connection.close();
    pool.evictIdle(Date.now() + 24 * 3_600_000);
    expect(connector.live).toEqual([]);
  });

  it('delay the shutdown of their owner until in-flight calls are answered or cancelled', async () => {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    connector.respond = ({ request }) => (request.params['name'] === 'kept' ? promise : new Promise(() => undefined));
    const connection = await connect();
    const cancelled = new AbortController();
    const kept = connection.request({ ...CALL, params: { name: 'kept' } }, replyOf(), NEVER);
    void connection.request(CALL, replyOf(), cancelled.signal);
    await until(() => connector.opened[0]?.sent.length === 2);
    const finished: string[] = [];
    const shutdown = waits.beforeApplicationShutdown().then(() => finished.push('finished'));
    cancelled.abort();
    await until(() => connector.opened[0]?.sent[1]?.signal.aborted === true);
    expect(finished).toEqual([]);
    resolve(result({}));
    await shutdown;
    expect(await kept).toEqual(result({}));
  });

  it('run nothing for an unknown lease', async () => {
    const payload = { part: 'unknown lease', call: 'c', request: CALL };
    const { end } = here.request({ to: 'there', pattern: PoolPattern.request, payload });
    expect(await end).toEqual({ kind: 'value', value: { kind: 'not-held' } });
    expect(connector.opened).toEqual([]);
  });
});
