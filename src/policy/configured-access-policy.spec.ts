import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AccessRequest, Caller } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { callerOf, FakeRegistry } from '../../test/support/fake-upstream.js';
import type { PolicyDefinition } from '../registry/index.js';
import { ConfiguredAccessPolicy } from './configured-access-policy.js';

type Written = Omit<PolicyDefinition, 'slug'>;

const policyOf = (...written: Written[]) => {
  const policies = written.map((policy, index) => ({ slug: `p${index}`, ...policy }));
  return new ConfiguredAccessPolicy(new FakeRegistry([], { policies }));
};
const ada = (more: Partial<Caller> = {}): Caller => ({ ...callerOf('ada'), ...more });
const ask = (name: string, more: Partial<AccessRequest> = {}): AccessRequest => ({
  caller: ada(),
  server: { slug: 'billing' },
  kind: 'tools',
  name,
  ...more,
});

describe('ConfiguredAccessPolicy', () => {
  it('allows every caller without policies and teams', () => {
    expect(policyOf().decide(ask('pay'))).toMatchObject({ allowed: true });
    expect(policyOf().accessScope(ada(), { slug: 'billing' })).toBe('all');
  });

  it('allows a team’s server only to members of the team and admins', () => {
    const server = { slug: 'billing', team: 'finance' };
    const policy = policyOf();
    expect(policy.decide(ask('pay', { server }))).toEqual({
      allowed: false,
      reason: 'The server belongs to the team finance.',
    });
    expect(policy.accessScope(ada(), server)).toBe('none');
    expect(policy.accessScope(ada({ teams: ['finance'] }), server)).toBe('all');
    expect(policy.accessScope(ada({ roles: ['admin'] }), server)).toBe('all');
    expect(policy.accessScope(ada({ roles: ['operator'] }), server)).toBe('none');
    expect(policy.canUseEndpoint(ada(), { id: 'desk', team: 'finance' })).toBe(false);
  });

  const subject = (issuer: string, name: string) => ({
    principal: { issuer, subject: name },
    key: `${issuer.replaceAll('|', '%7C')}|${name}`,
  });

  it.each([
    ['isthmus', 'ada'],
    ['isthmus', 'grace'],
    ['https://elsewhere.example.com', 'grace'],
    ['https://id.example.com', 'auth0|1'],
  ])('matches a listed subject alone or with its issuer: issuer %s, subject %s', (issuer, name) => {
    const policy = policyOf({ effect: 'deny', subjects: ['isthmus|ada', 'grace', 'https://id.example.com|auth0|1'] });
    expect(policy.decide(ask('pay', { caller: ada(subject(issuer, name)) })).allowed).toBe(false);
  });

  it.each([
    ['https://elsewhere.example.com', 'ada'],
    ['https://elsewhere.example.com', 'isthmus|ada'],
    ['https://elsewhere.example.com', 'https://id.example.com|auth0|1'],
    ['isthmus|ada', ''],
    ['https://id.example.com|auth0', '1'],
  ])(
    'gives nothing to a principal that imitates a subject of another issuer: issuer %s, subject %s',
    (issuer, name) => {
      const policy = policyOf({ effect: 'allow', subjects: ['isthmus|ada', 'https://id.example.com|auth0|1'] });
      expect(policy.decide(ask('pay', { caller: ada(subject(issuer, name)) })).allowed).toBe(false);
    },
  );

  it.each<[string, Written, Partial<Caller>]>([
    ['role', { effect: 'allow', roles: ['payer'] }, { roles: ['payer'] }],
    ['team', { effect: 'allow', teams: ['finance', 'sales'] }, { teams: ['sales'] }],
    ['scope', { effect: 'allow', scopes: ['pay'] }, { scopes: ['mcp', 'pay'] }],
    ['claim', { effect: 'allow', when: 'claims.level >= 3' }, { claims: { level: 3 } }],
  ])('allows an item with an allow rule only to callers that match the rule by %s', (_by, written, named) => {
    const policy = policyOf({ ...written, servers: ['billing'], tools: ['pay*'] });
    expect(policy.decide(ask('pay_all', { caller: ada(named) }))).toEqual({
      allowed: true,
      reason: 'The policy p0 allows it.',
    });
    expect(policy.decide(ask('pay_all'))).toMatchObject({ allowed: false });
    expect(policy.decide(ask('list'))).toMatchObject({ allowed: true });
    expect(policy.decide(ask('pay_all', { kind: 'prompts' }))).toMatchObject({ allowed: true });
    expect(policy.decide(ask('pay_all', { server: { slug: 'mail' } }))).toMatchObject({ allowed: true });
  });

  it('matches a subject with or without its issuer', () => {
    const of = (listed: string) => policyOf({ effect: 'deny', subjects: [listed] }).decide(ask('pay')).allowed;
    expect([of('ada'), of('tests|ada'), of('other|ada'), of('adam')]).toEqual([false, false, true, true]);
  });

  it('denies a caller that a deny rule matches although another rule allows it', () => {
    const policy = policyOf({ effect: 'allow' }, { effect: 'deny', tools: ['delete_*'], roles: ['intern'] });
    const intern = ada({ roles: ['intern'] });
    expect(policy.decide(ask('delete_all', { caller: intern }))).toEqual({
      allowed: false,
      reason: 'The policy p1 denies it.',
    });
    expect(policy.decide(ask('delete_all'))).toMatchObject({ allowed: true });
    expect(policy.accessScope(intern, { slug: 'billing' })).toBe('some');
    expect(policy.accessScope(ada(), { slug: 'billing' })).toBe('all');
  });

  it('lists an item that some arguments allow, and decides a call by its arguments', () => {
    const policy = policyOf({ effect: 'allow', tools: ['pay'], when: 'args.amount <= 100' });
    const pay = (args?: JsonObject) => policy.decide(ask('pay', args && { args })).allowed;
    expect([pay(), pay({ amount: 100 }), pay({ amount: 101 }), pay({})]).toEqual([true, true, false, false]);
    const denied = policyOf({ effect: 'deny', when: 'args.amount > 100' });
    const paid = (args?: JsonObject) => denied.decide(ask('pay', args && { args })).allowed;
    expect([paid(), paid({ amount: 1 }), paid({ amount: 101 }), paid({})]).toEqual([true, true, false, false]);
  });

  it.each<[string, Written[], boolean]>([
    ['a deny of its own name', [{ effect: 'deny', tools: ['pay'] }], false],
    ['a deny of its shown name', [{ effect: 'deny', tools: ['transfer'] }], false],
    ['an allow of its own name for others', [{ effect: 'allow', tools: ['pay'], roles: ['payer'] }], false],
    ['an allow of its shown name for others', [{ effect: 'allow', tools: ['transfer'], roles: ['payer'] }], false],
    ['an allow of its own name', [{ effect: 'allow', tools: ['pay'] }], true],
    ['an allow of its shown name', [{ effect: 'allow', tools: ['transfer'] }], true],
    [
      'an allow of its own name beside an allow of everything for others',
      [
        { effect: 'allow', roles: ['admin'] },
        { effect: 'allow', tools: ['pay'] },
      ],
      true,
    ],
    [
      'an allow of its shown name beside an allow of everything for others',
      [
        { effect: 'allow', tools: ['*'], roles: ['admin'] },
        { effect: 'allow', tools: ['transfer'] },
      ],
      true,
    ],
    [
      'an allow of its shown name beside an allow of its own name for others',
      [
        { effect: 'allow', tools: ['pay'], roles: ['payer'] },
        { effect: 'allow', tools: ['trans*'] },
      ],
      false,
    ],
    [
      'an allow of its own name beside an allow of its shown name for others',
      [
        { effect: 'allow', tools: ['transfer'], roles: ['payer'] },
        { effect: 'allow', tools: ['p*'] },
      ],
      false,
    ],
    ['no rule for either name', [{ effect: 'deny', tools: ['other'] }], true],
  ])('decides about a renamed tool by %s', (_rules, written, isAllowed) => {
    for (const rules of [written, written.toReversed()])
      expect(policyOf(...rules).decide(ask('pay', { shownName: 'transfer' })).allowed).toBe(isAllowed);
  });

  it('explains a decision with the result of each rule for the item', () => {
    const policy = policyOf(
      { effect: 'allow', roles: ['payer'], tools: ['pay'] },
      { effect: 'deny', when: 'claims.blocked' },
      { effect: 'deny', tools: ['other'] },
    );
    expect(policy.explain(ask('pay', { caller: ada({ roles: ['payer'] }) }))).toEqual({
      allowed: false,
      reason: 'The policy p1 denies it.',
      rules: [
        { policy: 'p0', effect: 'allow', counts: true, why: 'it applies to this caller' },
        {
          policy: 'p1',
          effect: 'deny',
          counts: true,
          why: 'its condition cannot be evaluated: No such key: blocked',
        },
      ],
    });
  });
});

const NAMES = ['pay', 'list', 'delete', 'file:///a', 'FILE:///a'];
const GROUPS = ['a', 'b'];
const some = (names: readonly string[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...names), { maxLength: 2 }), { nil: undefined });
const CONDITIONS = ['claims.x == 1', 'args.n > 1', 'args.n > 1 && claims.x == 1', 'has(args.n)', 'true', 'false'];
const present = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;

const anyPolicy = fc
  .record({
    effect: fc.constantFrom('allow' as const, 'deny' as const),
    servers: some(['billing', 'b*', 'mail']),
    tools: some(['pay', 'l*', '*']),
    prompts: some(['pay', '*']),
    resources: some(['file:///a', 'file:///*', 'pay']),
    roles: some(GROUPS),
    teams: some(GROUPS),
    when: fc.option(fc.constantFrom(...CONDITIONS), { nil: undefined }),
  })
  .map(present) as fc.Arbitrary<Written>;

const anyCase = fc
  .record({
    policies: fc.array(anyPolicy, { maxLength: 5 }),
    caller: fc
      .record({
        roles: fc.subarray([...GROUPS, 'admin']),
        teams: fc.subarray(GROUPS),
        claims: fc.constantFrom({}, { x: 1 }, { x: 'text' }),
      })
      .map(ada),
    server: fc.constantFrom({ slug: 'billing' }, { slug: 'billing', team: 'a' }, { slug: 'mail', team: 'b' }),
    kind: fc.constantFrom('tools' as const, 'prompts' as const, 'resources' as const),
    name: fc.constantFrom(...NAMES),
    shownName: fc.constantFrom(undefined, ...NAMES),
    args: fc.constantFrom<JsonObject[]>({}, { n: 1 }, { n: 2 }, { n: 'text' }),
  })
  .map(({ shownName, ...rest }) => ({ ...rest, ...(shownName !== undefined && { shownName }) }));

describe('properties of any set of policies', () => {
  it('an item that can be called with some arguments is allowed without arguments', () => {
    fc.assert(
      fc.property(anyCase, ({ policies, args, ...question }) => {
        const policy = policyOf(...policies);
        const isListed = policy.decide(question).allowed;
        return isListed || !policy.decide({ ...question, args }).allowed;
      }),
      { numRuns: 3_000 },
    );
  });

  it('the reach of a server agrees with every decision about its items', () => {
    fc.assert(
      fc.property(anyCase, ({ policies, args, ...question }) => {
        const policy = policyOf(...policies);
        const reach = policy.accessScope(question.caller, question.server);
        const decisions = [policy.decide(question).allowed, policy.decide({ ...question, args }).allowed];
        if (reach === 'all') return decisions.every((allowed) => allowed);
        return reach === 'some' || decisions.every((allowed) => !allowed);
      }),
      { numRuns: 3_000 },
    );
  });

  it('a renamed tool that is allowed would be allowed by each of its names, if only deny rules concerned it', () => {
    fc.assert(
      fc.property(anyCase, fc.constantFrom(...NAMES), ({ policies, args: _args, ...question }, shownName) => {
        const policy = policyOf(...policies.filter(({ effect }) => effect === 'deny'));
        const isAllowed = policy.decide({ ...question, shownName }).allowed;
        const { shownName: _shown, ...own } = question;
        return (
          !isAllowed ||
          question.kind === 'resources' ||
          [question.name, shownName].every((name) => policy.decide({ ...own, name }).allowed)
        );
      }),
    );
  });

  it('an explanation agrees with the decision', () => {
    fc.assert(
      fc.property(anyCase, ({ policies, ...question }) => {
        const policy = policyOf(...policies);
        const { allowed, rules } = policy.explain(question);
        const isDenied = rules.some(({ effect, counts }) => effect === 'deny' && counts === true);
        return allowed === policy.decide(question).allowed && (!isDenied || !allowed);
      }),
    );
  });
});
