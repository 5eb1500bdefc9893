import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result } from '#lib/mcp-protocol';
import { settled } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import { callOf, MINE, Neighbours, type Neighbour } from './neighbours-fixture.js';

const DONE = result({});
const sink = () => new RecordingSink();

let neighbours: Neighbours;
let leaver: Neighbour;
let others: [Neighbour, Neighbour];

beforeEach(async () => {
  Logger.overrideLogger(false);
  neighbours = new Neighbours();
  leaver = await neighbours.start();
  others = [await neighbours.start(), await neighbours.start()];
});

afterEach(async () => {
  jest.restoreAllMocks();
  await neighbours.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

const ranked = (id: string) => neighbours.rankedFor(id, leaver);

const holders = (id: string): Neighbour[] => [leaver, ...others].filter(({ sessions }) => sessions.find(id));

describe('a session that was handed off', () => {
  it('is found at its new owner through the directory once the previous owner is dead', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.leave();
    await leaver.close();
    expect(neighbours.heirs.known.get(id)).toBe(heir.name);
    await neighbours.beat();
    const session = await third.router.locate(id, MINE);
    expect(await session.call(callOf(1), sink())).toEqual(DONE);
    expect(heir.connector.opened).toHaveLength(1);
  });

  it('is found at its new owner before the death of the previous owner is noticed', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.leave();
    await leaver.close();
    const session = await third.router.locate(id, MINE);
    expect(await neighbours.whileTimePasses(session.call(callOf(1), sink()))).toEqual(DONE);
    expect(heir.connector.opened).toHaveLength(1);
  });

  it('is found after several consecutive handoffs', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.leave();
    await heir.leave();
    expect(holders(id)).toEqual([third]);
    await heir.close();
    // The previous owner still redirects to a worker that has stopped.
    const session = await leaver.router.locate(id, MINE);
    expect(await neighbours.whileTimePasses(session.call(callOf(1), sink()))).toEqual(DONE);
    expect(third.connector.opened).toHaveLength(1);
  });

  it('is followed to its new owner by a handle that was located before the handoff', async () => {
    const session = leaver.open();
    await leaver.leave();
    expect(await session.call(callOf(1), sink())).toEqual(DONE);
    await session.setLogLevel('error');
    const [heir] = ranked(session.id);
    expect(heir.sessions.find(session.id)?.logLevel).toBe('error');
    expect(leaver.connector.opened).toEqual([]);
    await (await leaver.router.locate(session.id, MINE)).end();
    await expect(session.call(callOf(2), sink())).resolves.toMatchObject({ refused: true, httpStatus: 404 });
  });

  it('stays with its owner when the handoff cannot be recorded, and ends with that worker', async () => {
    const { id } = leaver.open();
    const [, third] = ranked(id);
    neighbours.heirs.isDown = true;
    await leaver.leave();
    expect(holders(id)).toEqual([leaver]);
    expect(await (await third.router.locate(id, MINE)).call(callOf(1), sink())).toEqual(DONE);
    await leaver.close();
    await neighbours.beat();
    await expect(third.router.locate(id, MINE)).rejects.toMatchObject({ code: -31007, httpStatus: 503 });
    neighbours.heirs.isDown = false;
    await expect(third.router.locate(id, MINE)).rejects.toMatchObject({ httpStatus: 404 });
  });

  it('is not accepted by a receiver once its previous owner was declared dead', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    const letGo = leaver.holdOffers();
    const leaving = leaver.leave();
    await until(() => leaver.sessions.size === 0);
    await neighbours.relay.leave(leaver.name);
    letGo();
    await leaving;
    expect([heir, third].filter(({ sessions }) => sessions.find(id))).toEqual([]);
    expect(await neighbours.heirs.of(id)).toBeUndefined();
  });
});

describe('requests for a session during its handoff', () => {
  it('are queued until the handoff has ended, at the previous owner and at other workers', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    const letGo = leaver.holdOffers();
    const leaving = leaver.leave();
    await until(() => leaver.sessions.size === 0);
    const answered: string[] = [];
    const call = async (worker: Neighbour, requestId: string) => {
      const session = await worker.router.locate(id, MINE);
      answered.push(requestId);
      return session.call(callOf(requestId), sink());
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

  it('are queued at a previous owner that was paused, and go to the worker that accepted', async () => {
    const { id } = leaver.open();
    const letGo = leaver.holdOffers();
    const leaving = leaver.leave();
    await until(() => leaver.sessions.size === 0);
    jest.spyOn(leaver.workers, 'checkPulse').mockReturnValue(Promise.resolve());
    ranked(id)[0].readiness.leave();
    const found = Promise.resolve(leaver.router.locate(id, MINE));
    await settled();
    letGo();
    // Not the first worker of the ranking, which refused.
    expect(await (await found).call(callOf(1), sink())).toEqual(DONE);
    await leaving;
    expect(ranked(id)[1].connector.opened).toHaveLength(1);
  });

  it('fail with 503 while the status of the new owner is unknown', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.leave();
    await leaver.close();
    await neighbours.beat();
    const whereIs = third.workers.whereIs.bind(third.workers);
    jest
      .spyOn(third.workers, 'whereIs')
      .mockImplementation(async (worker) => (worker === heir.name ? 'unsure' : whereIs(worker)));
    await expect(third.router.locate(id, MINE)).rejects.toMatchObject({ code: -31001, httpStatus: 503 });
  });

  it('fail with 404 once the new owner is dead too', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.leave();
    await leaver.close();
    await heir.close();
    await neighbours.beat();
    await expect(third.router.locate(id, MINE)).rejects.toMatchObject({ httpStatus: 404 });
  });
});
