import { expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { FakeRegistry } from '../../../test/support/fake-upstream.js';
import type { Items } from '../../items/index.js';
import type { ServerChecks } from '../../server-checks/index.js';
import type { BroadcastResult } from '../../workers/index.js';
import type { Inspection } from '../inspection/inspection.js';
import type { WorkerFigures } from '../inspection/inspection-orders.js';
import { LiveFiguresReader } from './live-figures.js';

type Answer = BroadcastResult<WorkerFigures>;

const answerAt = (at: number, calls: number): Answer => {
  const totals = { since: 'start', at, calls, refused: 0, failed: 0, unknown: 0 };
  const answer = { isLeaving: false, sessions: 0, parkedCalls: 0, eventLoopDelayMs: 0, warnings: 0, calls: totals };
  return { answers: [{ worker: 'w', answer: answer as unknown as WorkerFigures }], unresponsive: [] };
};

it('counts no calls between a reading that nobody awaited and the next listener', async () => {
  const answers = [Promise.withResolvers<Answer>(), Promise.withResolvers<Answer>()];
  const asked = answers.values();
  const figures = () => asked.next().value?.promise;
  const reader = new LiveFiguresReader(
    { figures } as unknown as Inspection,
    new FakeRegistry([]),
    { findAll: async () => new Map() } as unknown as ServerChecks,
    { countUnapproved: () => ({ quarantined: 0, changed: 0 }) } as unknown as Items,
    new ManualClock(),
  );
  const overtaken = reader.read();
  reader.reset();
  answers[0]?.resolve(answerAt(0, 10));
  await overtaken;
  answers[1]?.resolve(answerAt(60_000, 30));
  expect((await reader.read()).calls).toMatchObject({ calls: 0, windowMs: 0 });
});
