import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result } from '#lib/mcp-protocol';
import { settled } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import { createCall, BINDING, WorkerCluster, type TestWorker } from './worker-cluster-fixture.js';

const DONE = result({});
const sink = () => new RecordingSink();

let cluster: WorkerCluster;
let drainingWorker: TestWorker;
let others: [TestWorker, TestWorker];

beforeEach(async () => {
  Logger.overrideLogger(false);
  cluster = new WorkerCluster();
  drainingWorker = await cluster.start();
  others = [await cluster.start(), await cluster.start()];
});

afterEach(async () => {
  jest.restoreAllMocks();
  await cluster.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

const ranked = (id: string) => cluster.rankedFor(id, drainingWorker);

const holders = (id: string): TestWorker[] => [drainingWorker, ...others].filter(({ sessions }) => sessions.find(id));

describe('a session that was handed off', () => {
  it('is found at its new owner through the directory once the previous owner is dead', async () => {
    const { id } = drainingWorker.open();
    const [newOwner, third] = ranked(id);
    await drainingWorker.drain();
    await drainingWorker.close();
    expect(cluster.directory.newOwners.get(id)).toBe(newOwner.name);
    await cluster.heartbeat();
    const session = await third.router.locate(id, BINDING);
    expect(await session.call(createCall(1), sink())).toMatchObject(DONE);
    expect(newOwner.connector.opened).toHaveLength(1);
  });

  it('is found at its new owner before the death of the previous owner is noticed', async () => {
    const { id } = drainingWorker.open();
    const [newOwner, third] = ranked(id);
    await drainingWorker.drain();
    await drainingWorker.close();
    const session = await third.router.locate(id, BINDING);
    expect(await cluster.advanceUntilSettled(session.call(createCall(1), sink()))).toMatchObject(DONE);
    expect(newOwner.connector.opened).toHaveLength(1);
  });

  it('is found after several consecutive handoffs', async () => {
    const { id } = drainingWorker.open();
    const [newOwner, third] = ranked(id);
    await drainingWorker.drain();
    await newOwner.drain();
    expect(holders(id)).toEqual([third]);
    await newOwner.close();
    // The previous owner still redirects to a worker that has stopped.
    const session = await drainingWorker.router.locate(id, BINDING);
    expect(await cluster.advanceUntilSettled(session.call(createCall(1), sink()))).toMatchObject(DONE);
    expect(third.connector.opened).toHaveLength(1);
  });

  it('is followed to its new owner by a handle that was located before the handoff', async () => {
    const session = drainingWorker.open();
    await drainingWorker.drain();
    expect(await session.call(createCall(1), sink())).toMatchObject(DONE);
    await session.setLogLevel('error');
    const [newOwner] = ranked(session.id);
    expect(newOwner.sessions.find(session.id)?.logLevel).toBe('error');
    expect(drainingWorker.connector.opened).toEqual([]);
    await (await drainingWorker.router.locate(session.id, BINDING)).end();
    await expect(session.call(createCall(2), sink())).resolves.toMatchObject({ refused: true, httpStatus: 404 });
  });

  it('stays with its owner when the handoff cannot be recorded, and ends with that worker', async () => {
    const { id } = drainingWorker.open();
    const [, third] = ranked(id);
    cluster.directory.isDown = true;
    await drainingWorker.drain();
    expect(holders(id)).toEqual([drainingWorker]);
    expect(await (await third.router.locate(id, BINDING)).call(createCall(1), sink())).toMatchObject(DONE);
    await drainingWorker.close();
    await cluster.heartbeat();
    await expect(third.router.locate(id, BINDING)).rejects.toMatchObject({ code: -31007, httpStatus: 503 });
    cluster.directory.isDown = false;
    await expect(third.router.locate(id, BINDING)).rejects.toMatchObject({ httpStatus: 404 });
  });

  it('is not accepted by a receiver once its previous owner was declared dead', async () => {
    const { id } = drainingWorker.open();
    const [newOwner, third] = ranked(id);
    const releaseOffers = drainingWorker.holdOffers();
    const leaving = drainingWorker.drain();
    await until(() => drainingWorker.sessions.size === 0);
    await cluster.relay.leave(drainingWorker.name);
    releaseOffers();
    await leaving;
    expect([newOwner, third].filter(({ sessions }) => sessions.find(id))).toEqual([]);
    expect(await cluster.directory.findNewOwner(id)).toBeUndefined();
  });
});

describe('requests for a session during its handoff', () => {
  it('are queued until the handoff has ended, at the previous owner and at other workers', async () => {
    const { id } = drainingWorker.open();
    const [newOwner, third] = ranked(id);
    const releaseOffers = drainingWorker.holdOffers();
    const leaving = drainingWorker.drain();
    await until(() => drainingWorker.sessions.size === 0);
    const answered: string[] = [];
    const call = async (worker: TestWorker, requestId: string) => {
      const session = await worker.router.locate(id, BINDING);
      answered.push(requestId);
      return session.call(createCall(requestId), sink());
    };
    const calls = [call(drainingWorker, 'at its owner'), call(third, 'elsewhere')];
    await settled();
    await settled();
    expect([answered, newOwner.connector.opened]).toEqual([['elsewhere'], []]);
    releaseOffers();
    expect(await Promise.all(calls)).toMatchObject([DONE, DONE]);
    await leaving;
    expect(newOwner.connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
    expect([...drainingWorker.connector.opened, ...third.connector.opened]).toEqual([]);
  });

  it('are queued at a previous owner that was paused, and go to the worker that accepted', async () => {
    const { id } = drainingWorker.open();
    const releaseOffers = drainingWorker.holdOffers();
    const leaving = drainingWorker.drain();
    await until(() => drainingWorker.sessions.size === 0);
    jest.spyOn(drainingWorker.workers, 'checkOwnLiveness').mockReturnValue(Promise.resolve());
    ranked(id)[0].readiness.startDraining();
    const found = Promise.resolve(drainingWorker.router.locate(id, BINDING));
    await settled();
    releaseOffers();
    // Not the first worker of the ranking, which refused.
    expect(await (await found).call(createCall(1), sink())).toMatchObject(DONE);
    await leaving;
    expect(ranked(id)[1].connector.opened).toHaveLength(1);
  });

  it('fail with 503 while the status of the new owner is unknown', async () => {
    const { id } = drainingWorker.open();
    const [newOwner, third] = ranked(id);
    await drainingWorker.drain();
    await drainingWorker.close();
    await cluster.heartbeat();
    const statusOf = third.workers.status.bind(third.workers);
    jest
      .spyOn(third.workers, 'status')
      .mockImplementation(async (worker) => (worker === newOwner.name ? 'unknown' : statusOf(worker)));
    await expect(third.router.locate(id, BINDING)).rejects.toMatchObject({ code: -31001, httpStatus: 503 });
  });

  it('fail with 404 once the new owner is dead too', async () => {
    const { id } = drainingWorker.open();
    const [newOwner, third] = ranked(id);
    await drainingWorker.drain();
    await drainingWorker.close();
    await newOwner.close();
    await cluster.heartbeat();
    await expect(third.router.locate(id, BINDING)).rejects.toMatchObject({ httpStatus: 404 });
  });
});
