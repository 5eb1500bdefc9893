import { expect, it } from '@jest/globals';
import type { ItemUse } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import type { LimitDefinition } from '../registry/index.js';
import { Limits } from './limits.js';
import { MemoryCounters } from './memory-counters.js';

const bank = remoteServer('bank');
const pay: ItemUse = { server: bank, kind: 'tools', name: 'pay' };
const renamed: ItemUse = { ...pay, shownName: 'transfer' };

function admitting(more: Partial<LimitDefinition>) {
  const limit: LimitDefinition = { slug: 'one', per: [], rate: { calls: 1, withinMs: 60_000 }, ...more };
  const limits = new Limits(new FakeRegistry([bank], { limits: [limit] }), new MemoryCounters(new ManualClock()));
  const call = (use: ItemUse) => ({ caller: callerOf('ada'), server: bank, use });
  return (use: ItemUse) => limits.run(call(use), async () => 'executed').catch(() => 'refused');
}

it.each(['pay', 'transfer'])(
  'a limit for the tools "%s" counts a tool that was renamed from pay to transfer',
  async (tool) => {
    const run = admitting({ tools: [tool] });
    expect([await run(renamed), await run(renamed)]).toEqual(['executed', 'refused']);
  },
);

it('renaming a tool does not reset its count', async () => {
  const run = admitting({ per: ['tool'] });
  expect([await run(pay), await run(renamed)]).toEqual(['executed', 'refused']);
});
