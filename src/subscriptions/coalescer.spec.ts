import { beforeEach, describe, expect, it } from '@jest/globals';
import type { McpNotification } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { Coalescer } from './coalescer.js';

const TOOLS = { method: 'notifications/tools/list_changed', params: { _meta: { of: 'one server' } } };
const PROMPTS = { method: 'notifications/prompts/list_changed', params: {} };
const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });

function coalescer(isHeld = false) {
  const sent: string[] = [];
  const notify = ({ method, params }: McpNotification) =>
    void sent.push(`${method.slice('notifications/'.length)} ${JSON.stringify(params)}`);
  return { sent, changes: new Coalescer(notify, clock, isHeld) };
}

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});
describe('a burst of changes', () => {
  it('sends one notification per list of a burst, without its parameters', async () => {
    const { sent, changes } = coalescer();
    for (let count = 0; count < 100; count += 1) changes.add(TOOLS);
    changes.add(PROMPTS);
    expect(sent).toEqual([]);
    await clock.advance(200);
    expect(sent).toEqual(['tools/list_changed {}', 'prompts/list_changed {}']);
  });

  it('sends a burst after 100 ms without a change', async () => {
    const { sent, changes } = coalescer();
    for (let count = 0; count < 9; count += 1) {
      changes.add(TOOLS);
      await clock.advance(90);
    }
    expect(sent).toEqual([]);
    await clock.advance(10);
    expect(sent).toHaveLength(1);
  });

  it('sends one notification per second for a burst that does not end', async () => {
    const { sent, changes } = coalescer();
    for (let passed = 0; passed < 5_000; passed += 10) {
      changes.add(TOOLS);
      await clock.advance(10);
    }
    expect(sent.length).toBeGreaterThanOrEqual(4);
    expect(sent.length).toBeLessThanOrEqual(5);
  });

  it.each([1, 7, 13, 20])(
    'sends at most two notifications for a hundred changes every %d ms, one of them after the last change',
    async (pauseMs) => {
      const { sent, changes } = coalescer();
      for (let count = 0; count < 100; count += 1) {
        if (count > 0) await clock.advance(pauseMs);
        changes.add(TOOLS);
      }
      const before = sent.length;
      await clock.advance(1_000);
      expect(sent.length).toBeGreaterThan(before);
      expect(sent.length).toBeLessThanOrEqual(2);
    },
  );

  it('does not end a burst because the process was too busy to read further changes', async () => {
    const { sent, changes } = coalescer();
    changes.add(TOOLS);
    for (let stalls = 0; stalls < 3; stalls += 1) {
      clock.stall(220);
      await clock.advance(0);
      // Changes that arrived while the process was busy are read only now.
      changes.add(TOOLS);
    }
    expect(sent).toEqual([]);
    await clock.advance(1_000);
    expect(sent).toHaveLength(1);
  });

  it('sends one notification per resource of a burst', async () => {
    const { sent, changes } = coalescer();
    for (let count = 0; count < 50; count += 1) for (const uri of ['f:/x', 'f:/y']) changes.add(updated(uri), uri);
    await clock.advance(200);
    expect(sent).toEqual(['resources/updated {"uri":"f:/x"}', 'resources/updated {"uri":"f:/y"}']);
  });

  it('reports changes of several parts of a resource as the whole, and of one part as that part', async () => {
    const { sent, changes } = coalescer();
    for (let part = 0; part < 1_000; part += 1) changes.add(updated(`f:/d/${part}`), 'f:/d/');
    changes.add(updated('f:/e/1'), 'f:/e/');
    changes.add(updated('f:/e/1'), 'f:/e/');
    await clock.advance(200);
    expect(sent).toEqual(['resources/updated {"uri":"f:/d/"}', 'resources/updated {"uri":"f:/e/1"}']);
  });

  it('uses one timer for all bursts', () => {
    const { changes } = coalescer();
    for (let count = 0; count < 50; count += 1) changes.add(updated(`f:/${count}`), `f:/${count}`);
    changes.add(TOOLS);
    expect(clock.pending).toBe(1);
  });

  it('sends no pending update of a discarded resource', async () => {
    const { sent, changes } = coalescer();
    for (const uri of ['f:/x', 'f:/y']) changes.add(updated(uri), uri);
    changes.discard('f:/x');
    await clock.advance(200);
    expect(sent).toEqual(['resources/updated {"uri":"f:/y"}']);
  });

  it('sends pending notifications once when it is flushed', async () => {
    const { sent, changes } = coalescer();
    changes.add(TOOLS);
    changes.flush();
    expect(sent).toHaveLength(1);
    await clock.advance(1_000);
    expect(sent).toHaveLength(1);
  });

  it('sends no notification after it was closed', async () => {
    const { sent, changes } = coalescer();
    changes.add(TOOLS);
    changes.close();
    changes.add(TOOLS);
    changes.flush();
    await clock.advance(1_000);
    expect([sent, clock.pending]).toEqual([[], 0]);
  });
});

describe('a coalescer that holds changes', () => {
  it('sends each held change once on release, and later changes as they occur', async () => {
    const { sent, changes } = coalescer(true);
    for (let count = 0; count < 3; count += 1) {
      changes.add(updated('f:/x'), 'f:/x');
      changes.add(TOOLS);
      await clock.advance(2_000);
    }
    expect(sent).toEqual([]);
    changes.release();
    expect(sent).toEqual(['resources/updated {"uri":"f:/x"}', 'tools/list_changed {}']);
    changes.add(TOOLS);
    await clock.advance(200);
    expect(sent).toHaveLength(3);
  });
});
