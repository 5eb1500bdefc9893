import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { McpNotification } from '#lib/mcp-protocol';
import { Coalescer } from './coalescer.js';

const TOOLS = { method: 'notifications/tools/list_changed', params: { _meta: { of: 'one server' } } };
const PROMPTS = { method: 'notifications/prompts/list_changed', params: {} };
const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });

function coalescer(isHeld = false) {
  const sent: string[] = [];
  const tell = ({ method, params }: McpNotification) =>
    void sent.push(`${method.slice('notifications/'.length)} ${JSON.stringify(params)}`);
  return { sent, changes: new Coalescer(tell, isHeld) };
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
    expect(sent).toEqual(['tools/list_changed {}', 'prompts/list_changed {}']);
  });

  it('is told once nothing has changed for a tenth of a second', () => {
    const { sent, changes } = coalescer();
    for (let count = 0; count < 9; count += 1) {
      changes.add(TOOLS);
      jest.advanceTimersByTime(90);
    }
    expect(sent).toEqual([]);
    jest.advanceTimersByTime(10);
    expect(sent).toHaveLength(1);
  });

  it('that does not end is told every second all the same', () => {
    const { sent, changes } = coalescer();
    for (let passed = 0; passed < 5_000; passed += 10) {
      changes.add(TOOLS);
      jest.advanceTimersByTime(10);
    }
    expect(sent.length).toBeGreaterThanOrEqual(4);
    expect(sent.length).toBeLessThanOrEqual(5);
  });

  it.each([1, 7, 13, 20])('of a hundred, every %d ms, is told at most twice, and the last of it is told', (pauseMs) => {
    const { sent, changes } = coalescer();
    for (let count = 0; count < 100; count += 1) {
      if (count > 0) jest.advanceTimersByTime(pauseMs);
      changes.add(TOOLS);
    }
    const before = sent.length;
    jest.advanceTimersByTime(1_000);
    expect(sent.length).toBeGreaterThan(before);
    expect(sent.length).toBeLessThanOrEqual(2);
  });

  it('is not over because the process was too busy to read on', () => {
    const { sent, changes } = coalescer();
    const { now } = performance;
    let stalledMs = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + stalledMs);
    changes.add(TOOLS);
    for (let stalls = 0; stalls < 3; stalls += 1) {
      stalledMs += 120;
      jest.advanceTimersToNextTimer();
      // Only now it reads what came while it was busy.
      changes.add(TOOLS);
    }
    expect(sent).toEqual([]);
    jest.advanceTimersByTime(1_000);
    expect(sent).toHaveLength(1);
    jest.restoreAllMocks();
  });

  it('of resources is told once for each of them', () => {
    const { sent, changes } = coalescer();
    for (let count = 0; count < 50; count += 1) for (const uri of ['f:/x', 'f:/y']) changes.add(updated(uri), uri);
    jest.advanceTimersByTime(200);
    expect(sent).toEqual(['resources/updated {"uri":"f:/x"}', 'resources/updated {"uri":"f:/y"}']);
  });

  it('of several parts of a resource is told of the whole; of one part as that', () => {
    const { sent, changes } = coalescer();
    for (let part = 0; part < 1_000; part += 1) changes.add(updated(`f:/d/${part}`), 'f:/d/');
    changes.add(updated('f:/e/1'), 'f:/e/');
    changes.add(updated('f:/e/1'), 'f:/e/');
    jest.advanceTimersByTime(200);
    expect(sent).toEqual(['resources/updated {"uri":"f:/d/"}', 'resources/updated {"uri":"f:/e/1"}']);
  });

  it('keeps one timer, whatever changes', () => {
    const { changes } = coalescer();
    for (let count = 0; count < 50; count += 1) changes.add(updated(`f:/${count}`), `f:/${count}`);
    changes.add(TOOLS);
    expect(jest.getTimerCount()).toBe(1);
  });

  it('is told of nothing that nobody wants to hear of any more', () => {
    const { sent, changes } = coalescer();
    for (const uri of ['f:/x', 'f:/y']) changes.add(updated(uri), uri);
    changes.discard('f:/x');
    jest.advanceTimersByTime(200);
    expect(sent).toEqual(['resources/updated {"uri":"f:/y"}']);
  });

  it('is told before its end when there is no time to wait for that', () => {
    const { sent, changes } = coalescer();
    changes.add(TOOLS);
    changes.flush();
    expect(sent).toHaveLength(1);
    jest.advanceTimersByTime(1_000);
    expect(sent).toHaveLength(1);
  });

  it('is told to nobody once it was closed', () => {
    const { sent, changes } = coalescer();
    changes.add(TOOLS);
    changes.close();
    changes.add(TOOLS);
    changes.flush();
    jest.advanceTimersByTime(1_000);
    expect([sent, jest.getTimerCount()]).toEqual([[], 0]);
  });
});

describe('changes that are held back', () => {
  it('are told when they may be, each once, and later ones as they come', () => {
    const { sent, changes } = coalescer(true);
    for (let count = 0; count < 3; count += 1) {
      changes.add(updated('f:/x'), 'f:/x');
      changes.add(TOOLS);
      jest.advanceTimersByTime(2_000);
    }
    expect(sent).toEqual([]);
    changes.release();
    expect(sent).toEqual(['resources/updated {"uri":"f:/x"}', 'tools/list_changed {}']);
    changes.add(TOOLS);
    jest.advanceTimersByTime(200);
    expect(sent).toHaveLength(3);
  });
});
