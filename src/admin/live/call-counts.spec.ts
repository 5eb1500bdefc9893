import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { CallRecorder, type TelemetrySink } from '../../telemetry/index.js';
import { NoTracer, recordOf } from '../../telemetry/testing.js';
import { WorkerId } from '../../workers/index.js';
import { CallCounts } from './call-counts.js';
import { CallWindow } from './call-rates.js';

const CALL = { method: 'tools/call', outcome: 'executed' } as const;

function openCounts() {
  const clock = new ManualClock();
  const sinks = new Set<TelemetrySink>();
  const recorder = new CallRecorder(new WorkerId(), clock, new NoTracer());
  recorder.addSink = (sink) => {
    sinks.add(sink);
    return () => sinks.delete(sink);
  };
  return { clock, sinks, counts: new CallCounts(recorder, clock) };
}

describe('CallCounts', () => {
  it('counts calls by their outcome, and no other requests', () => {
    const { counts } = openCounts();
    counts.read();
    for (const more of [
      CALL,
      { ...CALL, isToolError: true },
      { ...CALL, code: -32_603 },
      { ...CALL, outcome: 'not_executed', code: -31_003 },
      { ...CALL, outcome: 'unknown', code: -31_005 },
      { ...CALL, method: 'tools/list' },
    ] as const)
      counts.record(recordOf(more));
    expect(counts.read()).toMatchObject({ calls: 5, refused: 1, failed: 2, unknown: 1 });
  });

  it('counts nothing until it is read, and stops ten seconds after the last reading', async () => {
    const { clock, sinks, counts } = openCounts();
    expect(sinks.size).toBe(0);
    counts.read();
    await clock.advance(9_000);
    counts.read();
    await clock.advance(9_000);
    expect(sinks.size).toBe(1);
    await clock.advance(1_000);
    expect([sinks.size, clock.pending]).toEqual([0, 0]);
  });
});

describe('CallWindow', () => {
  const NOTHING = { calls: 0, refused: 0, failed: 0, unknown: 0 };
  const totals = (at: number, calls: number, since = 0) => ({ ...NOTHING, calls, at, since });

  it('sums the calls of all workers, and divides them by the time between two readings', () => {
    const window = new CallWindow();
    expect(window.add(new Map([['a', totals(0, 5)]]))).toEqual({ ...NOTHING, perSecond: 0, windowMs: 0 });
    window.add(
      new Map([
        ['a', totals(2_000, 9)],
        ['b', totals(70_000, 100)],
      ]),
    );
    const rates = window.add(
      new Map([
        ['a', totals(4_000, 19)],
        ['b', totals(72_000, 106)],
      ]),
    );
    expect(rates).toMatchObject({ calls: 20, windowMs: 4_000, perSecond: 5 });
  });

  it('forgets calls of more than five readings ago', () => {
    const window = new CallWindow();
    window.add(new Map([['a', totals(0, 0)]]));
    window.add(new Map([['a', totals(2_000, 1_000)]]));
    const rates = [1, 2, 3, 4, 5].map((count) => window.add(new Map([['a', totals(2_000 + count * 2_000, 1_000)]])));
    expect(rates.map(({ calls }) => calls)).toEqual([1_000, 1_000, 1_000, 1_000, 0]);
  });

  it('never counts backwards when a worker begins to count again', () => {
    const window = new CallWindow();
    window.add(new Map([['a', totals(0, 50)]]));
    expect(window.add(new Map([['a', totals(2_000, 3, 1_500)]]))).toMatchObject({ calls: 0, windowMs: 0 });
    expect(window.add(new Map([['a', totals(4_000, 5, 1_500)]]))).toMatchObject({ calls: 2, windowMs: 2_000 });
  });
});
