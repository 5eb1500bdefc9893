import { describe, expect, it } from '@jest/globals';
import { ANONYMOUS, type Caller } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, FakeRegistry } from '../../test/support/fake-upstream.js';
import { GatewayEvents } from '../events/index.js';
import type { LimitDefinition, ServerDefinition } from '../registry/index.js';
import { Limits } from './limits.js';
import { MemoryCounters } from './memory-counters.js';

const server = { slug: 'billing' } as ServerDefinition;
const once = { rate: { calls: 1, withinMs: 3_600_000 } };

function limitsOf(per: LimitDefinition['per']) {
  const limits = new Limits(
    new FakeRegistry([], { limits: [{ slug: 'few', per, ...once }] }),
    new MemoryCounters(new ManualClock()),
  );
  return (caller: Caller, tool = 'pay') =>
    limits.run({ caller, server, use: { server, kind: 'tools', name: tool } }, async () => 'ran');
}

describe.each<[LimitDefinition['per']]>([[['team']], [['team', 'tool']], [['principal', 'team']]])(
  'a limit per %j',
  (per) => {
    it('counts the calls of each team of the caller', async () => {
      const call = limitsOf(per);
      const member = { ...callerOf('ada'), teams: ['finance', 'sales'] };
      await expect(call(member)).resolves.toBe('ran');
      await expect(call(member)).rejects.toMatchObject({ httpStatus: 429 });
    });

    it.each([
      ['a caller without a team', callerOf('bob')],
      ['an anonymous caller', ANONYMOUS],
    ])('binds %s, too', async (_who, caller) => {
      const call = limitsOf(per);
      await expect(call(caller)).resolves.toBe('ran');
      await expect(call(caller)).rejects.toMatchObject({ httpStatus: 429 });
    });
  },
);

it('reports a refused caller, with the window of the limit', async () => {
  const events = new GatewayEvents(new ManualClock());
  const reported: unknown[] = [];
  events.on(['limit.reached'], ({ data, quietMs }) => void reported.push({ ...data, quietMs }));
  const registry = new FakeRegistry([], { limits: [{ slug: 'few', per: ['principal'], ...once }] });
  const limits = new Limits(registry, new MemoryCounters(new ManualClock()), events);
  const call = { caller: callerOf('ada'), server, use: undefined };
  await limits.run(call, async () => 'ran');
  expect(reported).toEqual([]);
  await expect(limits.run(call, async () => 'ran')).rejects.toMatchObject({ httpStatus: 429 });
  expect(reported).toEqual([
    { limit: 'few', server: 'billing', principal: callerOf('ada').key, quietMs: once.rate.withinMs },
  ]);
});
