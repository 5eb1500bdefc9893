import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { PipeFlowControl } from './pipe-flow-control.js';

const flushMicrotasks = async (): Promise<void> => {
  for (let turn = 0; turn < 500; turn++) await Promise.resolve();
};

describe('PipeFlowControl', () => {
  let clock: ManualClock;
  let pipeEvents: string[];
  let flow: PipeFlowControl;
  const reader = () => ({
    abandoned: [] as string[],
    abandon(reason: string) {
      this.abandoned.push(reason);
    },
  });

  beforeEach(() => {
    clock = new ManualClock();
    pipeEvents = [];
    flow = new PipeFlowControl(
      { pause: () => pipeEvents.push('pause'), resume: () => pipeEvents.push('resume') },
      clock,
    );
  });

  afterEach(() => {
    flow.close();
  });

  it('delivers the messages of each call in order without letting other calls wait', async () => {
    const [slow, quick] = [reader(), reader()];
    const gate = Promise.withResolvers<void>();
    const seen: string[] = [];
    flow.run(slow, () => (seen.push('slow 1'), gate.promise));
    flow.run(slow, () => void seen.push('slow 2'));
    flow.run(quick, () => void seen.push('quick 1'));
    expect(seen).toEqual(['slow 1', 'quick 1']);
    gate.resolve();
    await flushMicrotasks();
    expect(seen).toEqual(['slow 1', 'quick 1', 'slow 2']);
    expect(pipeEvents).toEqual([]);
  });

  it('pauses the pipe while too many messages wait and resumes it afterwards', async () => {
    const slow = reader();
    const gate = Promise.withResolvers<void>();
    let count = 0;
    flow.run(slow, () => gate.promise);
    for (let step = 0; step < 64; step++) flow.run(slow, () => void count++);
    expect(pipeEvents).toEqual(['pause']);
    gate.resolve();
    await flushMicrotasks();
    expect(pipeEvents).toEqual(['pause', 'resume']);
    expect(count).toBe(64);
    expect(slow.abandoned).toEqual([]);
  });

  it('abandons a call whose reader blocks the pipe for 5 s', async () => {
    const slow = reader();
    flow.run(slow, () => new Promise(() => undefined));
    for (let step = 0; step < 100; step++) flow.run(slow, () => undefined);
    await clock.advance(4_900);
    expect(slow.abandoned).toEqual([]);
    await clock.advance(200);
    expect(slow.abandoned).toHaveLength(1);
    expect(pipeEvents).toEqual(['pause', 'resume']);
  });
});
