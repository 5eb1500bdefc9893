import { describe, expect, it } from '@jest/globals';
import { AccessPolicy, type AccessRequest, type Caller, type GuardedServer, type ItemUse } from '#lib/extension-kit';
import type { ResourceUri } from '#lib/mcp-protocol';
import { accessPolicyContract } from '#lib/testing/kit';
import { callerOf, FakeRegistry } from '../../test/support/fake-upstream.js';
import { ConfiguredAccessPolicy } from './configured-access-policy.js';

const POLICIES = [
  { slug: 'no-refunds', effect: 'deny' as const, tools: ['refund*'] },
  { slug: 'ada-pays', effect: 'allow' as const, subjects: ['ada'], tools: ['pay'] },
];
const SALARIES: ResourceUri = {
  canonical: 'file:///salaries',
  normal: 'file:///salaries',
  decoded: 'file:///salaries',
  aliases: [],
};
const ITEMS: readonly ItemUse[] = [
  { server: { slug: 'billing' }, kind: 'tools', name: 'pay', args: { amount: 5 } },
  { server: { slug: 'billing' }, kind: 'tools', name: 'r1', shownName: 'refund_all' },
  { server: { slug: 'staff', team: 'people' }, kind: 'resources', name: 'file:///salaries', uri: SALARIES },
  { server: { slug: 'open' }, kind: 'prompts', name: 'greet' },
];

describe('ConfiguredAccessPolicy keeps the contract of an access policy', () => {
  const policy = new ConfiguredAccessPolicy(new FakeRegistry([], { policies: POLICIES }));
  const callers = [callerOf('ada'), callerOf('grace'), { ...callerOf('root'), roles: ['admin'] }];
  it.each(accessPolicyContract(() => policy, { callers, items: ITEMS }))('$name', async ({ run }) => {
    await expect(Promise.try(run)).resolves.toBeUndefined();
  });
});

/** Leaves every case to another policy, but not its explanations. */
class Silent extends AccessPolicy {
  constructor(private readonly standard: AccessPolicy) {
    super();
  }
  override decide = (request: AccessRequest) => this.standard.decide(request);
  override accessScope = (caller: Caller, server: GuardedServer) => this.standard.accessScope(caller, server);
  override canUseEndpoint = () => true;
}

it('the contract notices a replacement that does not explain the rules of the policy to which it leaves a case', () => {
  const standard = new ConfiguredAccessPolicy(new FakeRegistry([], { policies: POLICIES }));
  const cases = { callers: [callerOf('ada')], items: ITEMS, standard };
  const check = accessPolicyContract(() => new Silent(standard), cases).find(({ name }) => name.includes('standard'));
  expect(() => check?.run()).toThrow(/The rules are missing/);
});
