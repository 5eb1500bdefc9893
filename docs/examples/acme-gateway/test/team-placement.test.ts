import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlacementStrategy, type PlacementRequest } from 'isthmus/extension-kit';
import { placementStrategyContract } from 'isthmus/testing';
import { TeamPlacement } from '../src/team-placement.js';

/** Stands for the gateway's own: the length of the key selects the worker. */
class ByLength extends PlacementStrategy {
  override place({ key, workers }: PlacementRequest): string {
    return workers[key.length % workers.length] ?? '';
  }
}

const ledger = { slug: 'ledger', team: 'treasury' };
const rates = { slug: 'rates', team: 'treasury' };
const weather = { slug: 'weather' };

describe('TeamPlacement', () => {
  const placement = () => new TeamPlacement(new ByLength());
  const connections = [ledger, rates, weather].flatMap((server) =>
    ['ada', 'grace'].map((caller) => ({ key: `${server.slug} ${caller}`, server })),
  );
  for (const { name, run } of placementStrategyContract(placement, { connections })) it(name, run);

  const workerOf = (key: string, server: PlacementRequest['server']) =>
    placement().place({ key, server, workers: ['a-worker', 'b-worker', 'c-worker'] });

  it('places all connections of a team at one worker', () => {
    const workers = ['ledger ada', 'ledger grace'].map((key) => workerOf(key, ledger));
    assert.deepEqual(new Set([...workers, workerOf('rates ada', rates)]).size, 1);
  });

  it('leaves servers without a team to the gateway', () => {
    assert.equal(workerOf('weather ada', weather), 'c-worker');
    assert.equal(workerOf('weather grace', weather), 'b-worker');
  });
});
