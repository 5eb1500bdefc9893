import { expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import type { UpstreamPool } from '../connections/index.js';
import type { WorkerBroadcast } from '../workers/index.js';
import type { ProcessAnswer } from './check-order.js';
import { ProcessChecks } from './process-checks.js';

const ANSWERED: ProcessAnswer = { kind: 'answered' };
const NONE: ProcessAnswer = { kind: 'none' };
const FAILED: ProcessAnswer = { kind: 'failed', code: -31_002, reason: 'The process did not answer in time.' };
const DOWN = { answered: false, latencyMs: 0, code: -31_002, reason: 'The process did not answer in time.' };
const UP = { answered: true, latencyMs: 0 };

it.each([
  { workers: [NONE, NONE], unresponsive: [], finds: { idle: true } },
  { workers: [NONE, ANSWERED], unresponsive: ['w3'], finds: UP },
  { workers: [FAILED, ANSWERED], unresponsive: [], finds: UP },
  { workers: [FAILED, NONE], unresponsive: ['w3'], finds: DOWN },
  // The process may run at the worker that did not reply.
  { workers: [NONE, NONE], unresponsive: ['w3'], finds: { unknown: true } },
])('a check of processes with the answers $workers and without those of $unresponsive', async (example) => {
  const { workers, unresponsive, finds } = example;
  const answers = workers.map((answer, index) => ({ worker: `w${index}`, answer }));
  const broadcast = { queryAll: async () => ({ answers, unresponsive }) } as unknown as WorkerBroadcast;
  const checks = new ProcessChecks({} as UpstreamPool, broadcast, new ManualClock());
  expect(await checks.run('child')).toEqual(finds);
});
