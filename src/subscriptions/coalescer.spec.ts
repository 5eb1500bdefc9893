import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Coalescer } from './coalescer.js';

const TOOLS = { method: 'notifications/tools/list_changed', params: { _meta: { of: 'one server' } } };
const PROMPTS = { method: 'notifications/prompts/list_changed', params: {} };

function coalescer() {
  const sent: string[] = [];
  return { sent, changes: new Coalescer(({ method, params }) => sent.push(`${method} ${JSON.stringify(params)}`)) };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a burst of changes', () => {
  it('is told once for each kind, and says nothing of whose it was', () => {
    const { sent, changes } = coalescer();
    for (let count = 0; count < 100; count += 1) changes.add(TOOLS);
    changes.add(PROMPTS);
    expect(sent).toEqual([]);
    jest.advanceTimersByTime(200);
    expect(sent).toEqual([`${TOOLS.method} {}`, `${PROMPTS.method} {}`]);
  });

  it('does not wait for its end: changes without a pause are told all the same', () => {
    const { sent, changes } = coalescer();
    for (let count = 0; count < 50; count += 1) {
      changes.add(TOOLS);
      jest.advanceTimersByTime(10);
    }
    expect(sent.length).toBeGreaterThan(2);
  });

  it('is told to nobody once it was closed', () => {
    const { sent, changes } = coalescer();
    changes.add(TOOLS);
    changes.close();
    changes.add(TOOLS);
    jest.advanceTimersByTime(1_000);
    expect([sent, jest.getTimerCount()]).toEqual([[], 0]);
  });
});
