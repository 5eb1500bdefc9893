import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { BatchedLines } from './batched-lines.js';

function world() {
  const clock = new ManualClock();
  const written: string[] = [];
  return { clock, written, batch: new BatchedLines((text) => written.push(text), clock) };
}

describe('batched lines', () => {
  it('are written together, in their order, shortly after the first one', async () => {
    const { batch, clock, written } = world();
    batch.push('a\n');
    batch.push('b\n');
    expect(written).toEqual([]);
    await clock.advance(10);
    expect(written).toEqual(['a\nb\n']);
    batch.push('c\n');
    await clock.advance(10);
    expect(written).toEqual(['a\nb\n', 'c\n']);
  });

  it('are written at once when the batch is full', () => {
    const { batch, clock, written } = world();
    batch.push('a\n');
    batch.push(`${'b'.repeat(64 * 1024)}\n`);
    expect(written).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('are written before a line that cannot wait', () => {
    const { batch, clock, written } = world();
    batch.push('a\n');
    batch.flush();
    batch.flush();
    expect(written).toEqual(['a\n']);
    expect(clock.pending).toBe(0);
  });
});
