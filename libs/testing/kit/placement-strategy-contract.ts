import assert from 'node:assert/strict';
import type { PlacementRequest, PlacementStrategy } from '#lib/extension-kit';
import type { ContractCheck } from './contract.js';

/** The requests with which a placement is checked. */
export interface PlacementCases {
  /** Servers with the keys of their connections. Default: several keys of one server. */
  readonly connections?: readonly Pick<PlacementRequest, 'key' | 'server'>[];
}

const CONNECTIONS = Array.from({ length: 50 }, (_, index) => ({
  key: `principal files {} acme|${index}`,
  server: { slug: 'files' },
}));
const WORKERS = ['a-worker', 'b-worker', 'c-worker'];

/**
 * What the gateway relies on in a `PlacementStrategy`. `strategy` creates the one that is checked: each call stands for another
 * worker, so it must return a new object.
 */
export function placementStrategyContract(
  strategy: () => PlacementStrategy,
  { connections = CONNECTIONS }: PlacementCases = {},
): readonly ContractCheck[] {
  const requests = connections.flatMap((connection) =>
    [WORKERS, WORKERS.slice(0, 2), WORKERS.slice(1), WORKERS.slice(0, 1)].map((workers) => ({
      ...connection,
      workers,
    })),
  );
  const each = (check: (request: PlacementRequest) => void) => () => requests.forEach(check);
  return [
    { name: 'selects one of the workers that are alive', run: each((request) => selectsWorker(strategy(), request)) },
    {
      name: 'selects the same worker for the same request at every worker',
      run: () => agree(requests, strategy(), strategy()),
    },
    {
      name: 'selects the same worker whatever it was asked before',
      run: () => agree(requests.toReversed(), strategy(), used(strategy(), requests)),
    },
    { name: 'does not change what it is asked about', run: each((request) => changesNothing(strategy(), request)) },
  ];
}

const toText = ({ key, workers }: PlacementRequest): string => `${key} among ${workers.join(', ')}`;

function selectsWorker(strategy: PlacementStrategy, request: PlacementRequest): void {
  const selected: unknown = strategy.place(request);
  assert.equal(typeof selected, 'string', `The result is no text: ${toText(request)}`);
  assert.ok(request.workers.includes(selected as string), `The result is no alive worker: ${toText(request)}`);
}

function agree(requests: readonly PlacementRequest[], one: PlacementStrategy, other: PlacementStrategy): void {
  for (const request of requests)
    assert.equal(one.place(request), other.place({ ...request }), `Two workers disagree: ${toText(request)}`);
}

function used(strategy: PlacementStrategy, requests: readonly PlacementRequest[]): PlacementStrategy {
  for (const request of requests) strategy.place(request);
  return strategy;
}

function changesNothing(strategy: PlacementStrategy, request: PlacementRequest): void {
  const before = structuredClone(request);
  strategy.place(request);
  assert.deepEqual(structuredClone(request), before, toText(request));
}
