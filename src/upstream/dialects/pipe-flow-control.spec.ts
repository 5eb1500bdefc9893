import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PipeFlowControl } from './pipe-flow-control.js';

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 500; turn++) await Promise.resolve();
};

describe('calls that share a pipe', () => {
  let held: string[];
  let flow: PipeFlowControl;
  const reader = () => ({
    abandoned: [] as string[],
    abandon(reason: string) {
      this.abandoned.push(reason);
    },
  });

  beforeEach(() => {
    jest.useFakeTimers();
    held = [];
    flow = new PipeFlowControl({ pause: () => held.push('pause'), resume: () => held.push('resume') });
  });

  afterEach(() => {
    flow.close();
    jest.useRealTimers();
  });

  it('get their own messages in order, and do not wait for each other', async () => {
    const [slow, quick] = [reader(), reader()];
    const gate = Promise.withResolvers<void>();
    const seen: string[] = [];
    flow.run(slow, () => (seen.push('slow 1'), gate.promise));
    flow.run(slow, () => void seen.push('slow 2'));
    flow.run(quick, () => void seen.push('quick 1'));
    expect(seen).toEqual(['slow 1', 'quick 1']);
    gate.resolve();
    await settled();
    expect(seen).toEqual(['slow 1', 'quick 1', 'slow 2']);
    expect(held).toEqual([]);
  });

  it('slow their server down while too much waits, and let it go on', async () => {
    const slow = reader();
    const gate = Promise.withResolvers<void>();
    let count = 0;
    flow.run(slow, () => gate.promise);
    for (let step = 0; step < 64; step++) flow.run(slow, () => void count++);
    expect(held).toEqual(['pause']);
    gate.resolve();
    await settled();
    expect(held).toEqual(['pause', 'resume']);
    expect(count).toBe(64);
    expect(slow.abandoned).toEqual([]);
  });

  it('are given up when their reader holds all others up for long', async () => {
    const slow = reader();
    flow.run(slow, () => new Promise(() => undefined));
    for (let step = 0; step < 100; step++) flow.run(slow, () => undefined);
    jest.advanceTimersByTime(4_900);
    expect(slow.abandoned).toEqual([]);
    jest.advanceTimersByTime(200);
    expect(slow.abandoned).toHaveLength(1);
    expect(held).toEqual(['pause', 'resume']);
  });
});
