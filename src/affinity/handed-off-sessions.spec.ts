import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result } from '#lib/mcp-protocol';
import { settled } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import { createCall, BINDING, WorkerCluster, type TestWorker } from './worker-cluster-fixture.js';

const DONE = result({});
const sink = () => new RecordingSink();

let neighbours: WorkerCluster;
let leaver: TestWorker;
let others: [TestWorker, TestWorker];

beforeEach(async () => {
  Logger.overrideLogger(false);
  neighbours = new WorkerCluster();
  leaver = await neighbours.start();
  others = [await neighbours.start(), await neighbours.start()];
});

afterEach(async () => {
  jest.restoreAllMocks();
  await neighbours.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

const ranked = (id: string) => neighbours.rankedFor(id, leaver);

const holders = (id: string): TestWorker[] => [leaver, ...others].filter(({ sessions }) => sessions.find(id));

describe('a session that was given away', () => {
  it('is found by its heir’s name when its old owner is gone', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.drain();
    await leaver.close();
    expect(neighbours.directory.newOwners.get(id)).toBe(heir.name);
    await neighbours.heartbeat();
    const session = await third.router.locate(id, BINDING);
    expect(await session.call(createCall(1), sink())).toEqual(DONE);
    expect(heir.connector.opened).toHaveLength(1);
  });

  it('is found even before anybody has noticed that its old owner is gone', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.drain();
    await leaver.close();
    const session = await third.router.locate(id, BINDING);
    expect(await neighbours.advanceUntilSettled(session.call(createCall(1), sink()))).toEqual(DONE);
    expect(heir.connector.opened).toHaveLength(1);
  });

  it('can go on and on', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.drain();
    await heir.drain();
    expect(holders(id)).toEqual([third]);
    await heir.close();
    // The old owner still names the one that is gone.
    const session = await leaver.router.locate(id, BINDING);
    expect(await neighbours.advanceUntilSettled(session.call(createCall(1), sink()))).toEqual(DONE);
    expect(third.connector.opened).toHaveLength(1);
  });

  it('is followed by whoever found it just before it left', async () => {
    const session = leaver.open();
    await leaver.drain();
    expect(await session.call(createCall(1), sink())).toEqual(DONE);
    await session.setLogLevel('error');
    const [heir] = ranked(session.id);
    expect(heir.sessions.find(session.id)?.logLevel).toBe('error');
    expect(leaver.connector.opened).toEqual([]);
    await (await leaver.router.locate(session.id, BINDING)).end();
    await expect(session.call(createCall(2), sink())).resolves.toMatchObject({ refused: true, httpStatus: 404 });
  });

  it('stays where it is when it cannot be written down who has it, and ends with its worker', async () => {
    const { id } = leaver.open();
    const [, third] = ranked(id);
    neighbours.directory.isDown = true;
    await leaver.drain();
    expect(holders(id)).toEqual([leaver]);
    expect(await (await third.router.locate(id, BINDING)).call(createCall(1), sink())).toEqual(DONE);
    await leaver.close();
    await neighbours.heartbeat();
    await expect(third.router.locate(id, BINDING)).rejects.toMatchObject({ code: -31007, httpStatus: 503 });
    neighbours.directory.isDown = false;
    await expect(third.router.locate(id, BINDING)).rejects.toMatchObject({ httpStatus: 404 });
  });

  it('is not taken by an heir once its owner was declared gone', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    const letGo = leaver.holdOffers();
    const leaving = leaver.drain();
    await until(() => leaver.sessions.size === 0);
    await neighbours.relay.leave(leaver.name);
    letGo();
    await leaving;
    expect([heir, third].filter(({ sessions }) => sessions.find(id))).toEqual([]);
    expect(await neighbours.directory.findNewOwner(id)).toBeUndefined();
  });
});

describe('whoever asks for a session that is on its way', () => {
  it('waits until it has arrived, at its old owner and elsewhere', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    const letGo = leaver.holdOffers();
    const leaving = leaver.drain();
    await until(() => leaver.sessions.size === 0);
    const answered: string[] = [];
    const call = async (worker: TestWorker, requestId: string) => {
      const session = await worker.router.locate(id, BINDING);
      answered.push(requestId);
      return session.call(createCall(requestId), sink());
    };
    const calls = [call(leaver, 'at its owner'), call(third, 'elsewhere')];
    await settled();
    await settled();
    expect([answered, heir.connector.opened]).toEqual([['elsewhere'], []]);
    letGo();
    expect(await Promise.all(calls)).toEqual([DONE, DONE]);
    await leaving;
    expect(heir.connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
    expect([...leaver.connector.opened, ...third.connector.opened]).toEqual([]);
  });

  it('waits too where the worker has just woken up', async () => {
    const { id } = leaver.open();
    const letGo = leaver.holdOffers();
    const leaving = leaver.drain();
    await until(() => leaver.sessions.size === 0);
    jest.spyOn(leaver.workers, 'checkOwnLiveness').mockReturnValue(Promise.resolve());
    ranked(id)[0].readiness.startDraining();
    const found = Promise.resolve(leaver.router.locate(id, BINDING));
    await settled();
    letGo();
    // Not the one that was thought of first, which refused.
    expect(await (await found).call(createCall(1), sink())).toEqual(DONE);
    await leaving;
    expect(ranked(id)[1].connector.opened).toHaveLength(1);
  });

  it('is told to try again while nothing is known of its heir', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.drain();
    await leaver.close();
    await neighbours.heartbeat();
    const whereIs = third.workers.status.bind(third.workers);
    jest
      .spyOn(third.workers, 'status')
      .mockImplementation(async (worker) => (worker === heir.name ? 'unsure' : whereIs(worker)));
    await expect(third.router.locate(id, BINDING)).rejects.toMatchObject({ code: -31001, httpStatus: 503 });
  });

  it('learns that it is unknown once its heir is gone too', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.drain();
    await leaver.close();
    await heir.close();
    await neighbours.heartbeat();
    await expect(third.router.locate(id, BINDING)).rejects.toMatchObject({ httpStatus: 404 });
  });
});
