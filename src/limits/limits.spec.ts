import { describe, expect, it } from '@jest/globals';
import { ANONYMOUS, type Caller } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, FakeRegistry } from '../../test/support/fake-upstream.js';
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
