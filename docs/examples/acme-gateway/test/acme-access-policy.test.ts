import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AccessPolicy, ANONYMOUS, type Caller, type ItemUse } from 'isthmus/extension-kit';
import { accessPolicyContract } from 'isthmus/testing';
import { AcmeAccessPolicy } from '../src/acme-access-policy.js';

class AllowAll extends AccessPolicy {
  override decide = () => ({ allowed: true, reason: 'Everything is allowed.' });
  override explain = () => ({
    ...this.decide(),
    rules: [{ policy: 'open', effect: 'allow' as const, counts: true, why: 'It applies to everyone.' }],
  });
  override accessScope = () => 'all' as const;
  override canUseEndpoint = () => true;
}

const callerWith = (role: string): Caller => ({
  ...ANONYMOUS,
  principal: { issuer: 'acme', subject: role },
  key: `acme|${role}`,
  anonymous: false,
  roles: [role],
});
const [clerk, treasurer] = [callerWith('user'), callerWith('treasurer')];
const tool = (name: string, shownName?: string): ItemUse => ({
  server: { slug: 'bank' },
  kind: 'tools',
  name,
  ...(shownName && { shownName }),
});
const standard = new AllowAll();
const policy = new AcmeAccessPolicy(standard);

describe('AcmeAccessPolicy', () => {
  const items = [tool('pay'), tool('balance'), tool('t1', 'refund_customer')];
  const cases = { callers: [clerk, treasurer], items, standard };
  for (const { name, run } of accessPolicyContract(() => policy, cases)) it(name, run);

  it('lets only treasurers use tools that move money', () => {
    const mayUse = (caller: Caller, item: ItemUse) => policy.decide({ ...item, caller }).allowed;
    assert.deepEqual(
      items.map((item) => mayUse(clerk, item)),
      [false, true, false],
    );
    assert.deepEqual(
      items.map((item) => mayUse(treasurer, item)),
      [true, true, true],
    );
  });
});
