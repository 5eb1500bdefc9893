import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PlacementStrategy, type PlacementRequest } from '#lib/extension-kit';
import { placementStrategyContract } from '#lib/testing/kit';
import { callerOf, childServer } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { violatedChecks } from '../../test/support/violated-checks.js';
import { createCall, WorkerCluster } from '../affinity/testing.js';
import { CheckedPlacement } from './checked-placement.js';
import { RendezvousPlacement } from './rendezvous-placement.js';

const REQUEST: PlacementRequest = { key: 'shared files', server: { slug: 'files' }, workers: ['a', 'b', 'c'] };

class PlaceWith extends PlacementStrategy {
  constructor(override readonly place: (request: PlacementRequest) => string) {
    super();
  }
}

describe('RendezvousPlacement keeps the contract of a placement strategy', () => {
  it.each(placementStrategyContract(() => new RendezvousPlacement()))('$name', async ({ run }) => {
    await expect(Promise.try(run)).resolves.toBeUndefined();
  });
});

describe('the contract of a placement strategy', () => {
  const violations = (create: () => PlacementStrategy) => violatedChecks(placementStrategyContract(create));

  it('notices a result that is no alive worker', async () => {
    expect(await violations(() => new PlaceWith(() => 'elsewhere'))).toEqual([
      'selects one of the workers that are alive',
    ]);
  });

  it('notices workers that disagree', async () => {
    let created = 0;
    const create = () => {
      const seed = (created += 1);
      return new PlaceWith(({ workers }) => workers[seed % workers.length] ?? '');
    };
    expect(await violations(create)).toContain('selects the same worker for the same request at every worker');
  });

  it('notices a strategy that takes turns', async () => {
    const create = () => {
      let turn = 0;
      return new PlaceWith(({ workers }) => workers[(turn += 1) % workers.length] ?? '');
    };
    expect(await violations(create)).toContain('selects the same worker whatever it was asked before');
  });
});

describe('CheckedPlacement', () => {
  let logged: jest.SpiedFunction<Logger['error']>;
  beforeEach(() => {
    logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  });
  afterEach(() => logged.mockRestore());

  class AcmePlacement extends PlaceWith {}
  const standard = new RendezvousPlacement();
  const throwing = () => {
    throw new RangeError('the key of ada');
  };

  it('uses the worker that the strategy selects', () => {
    const placement = new CheckedPlacement(new AcmePlacement(({ workers }) => workers[2] ?? ''), standard);
    expect(placement.place(REQUEST)).toBe('c');
    expect(logged).not.toHaveBeenCalled();
  });

  it.each([
    ['an unknown worker', () => 'elsewhere', 'returned no alive worker'],
    ['a promise', () => Promise.resolve('a') as unknown as string, 'returned no alive worker'],
    [
      'a promise that rejects',
      () => Promise.reject(new Error('later')) as unknown as string,
      'returned no alive worker',
    ],
    ['an error', throwing, 'threw RangeError'],
  ])('uses the own strategy instead of %s, and logs the strategy once', (_, place, fault) => {
    const placement = new CheckedPlacement(new AcmePlacement(place), standard);
    for (let count = 0; count < 3; count += 1) expect(placement.place(REQUEST)).toBe(standard.place(REQUEST));
    expect(logged.mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringContaining(`The placement strategy AcmePlacement ${fault}`),
    ]);
    expect(String(logged.mock.calls[0]?.[0])).not.toContain('ada');
  });
});

describe('a replaced placement strategy', () => {
  it('decides which worker starts the process that all workers share', async () => {
    const child = childServer('child');
    const cluster = new WorkerCluster();
    const last = new PlaceWith(({ workers }) => workers.at(-1) ?? '');
    const workers = [];
    for (let count = 0; count < 3; count += 1) workers.push(await cluster.start({ servers: [child], placement: last }));
    const never = new AbortController().signal;
    for (const { calls } of workers)
      for (const subject of ['ada', 'bob', 'eve'])
        await calls.runWithoutSession(
          createCall(1, { caller: callerOf(subject), server: child }),
          new RecordingSink(),
          never,
        );
    const expected = workers
      .map(({ name }) => name)
      .toSorted()
      .at(-1);
    expect(workers.map(({ name, connector }) => [name === expected, connector.live.length])).toEqual(
      workers.map(({ name }) => (name === expected ? [true, 3] : [false, 0])),
    );
    await cluster.close();
  });
});
