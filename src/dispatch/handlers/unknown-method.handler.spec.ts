import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { result, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { callerOf, LEGACY_CLIENT, MODERN_CLIENT, remoteServer } from '../../../test/support/fake-upstream.js';
import type { PolicyDefinition, RegistrySnapshot } from '../../registry/index.js';

const worlds: DispatchWorld[] = [];

async function world(more: Partial<RegistrySnapshot> = {}) {
  const made = await DispatchWorld.open([remoteServer('files')], more);
  worlds.push(made);
  const ask = (caller: Caller, method = 'acme/x') => made.request(method, { a: 1 }, { endpoint: 'files', caller });
  return { made, ask };
}

const ada = (more: Partial<Caller> = {}): Caller => ({ ...callerOf('ada'), ...more });
const codeOf = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error.code : undefined);

const INTERNS: Pick<PolicyDefinition, 'slug' | 'effect' | 'roles'> = { slug: 'p', effect: 'deny', roles: ['intern'] };

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
});

describe('a method that the gateway does not know', () => {
  it.each<[string, PolicyDefinition]>([
    ['a tool', { ...INTERNS, tools: ['delete_all'] }],
    ['a prompt', { ...INTERNS, prompts: ['ask'] }],
    ['a resource', { ...INTERNS, resources: ['file:///secret*'] }],
    ['some calls', { ...INTERNS, when: 'args.n > 1' }],
  ])('is not there for a caller from whom %s of its server is kept', async (_what, policy) => {
    const { made, ask } = await world({ policies: [policy] });
    for (const method of ['acme/x', 'tasks/result', 'tasks/list'])
      expect(codeOf(await ask(ada({ roles: ['intern'] }), method))).toBe(-32601);
    expect(made.asked('files')).toEqual([]);
  });

  it('is passed on for everybody else', async () => {
    const { made, ask } = await world({ policies: [{ ...INTERNS, tools: ['delete_all'] }] });
    expect(await ask(ada())).toMatchObject({ kind: 'result' });
    expect(made.asked('files')).toEqual([['acme/x', { a: 1 }]]);
  });

  it('counts as a call, for each limit that is about more than tools', async () => {
    const rate = { calls: 1, withinMs: 60_000 };
    const { made, ask } = await world({ limits: [{ slug: 'l', per: ['principal'], rate }] });
    expect(await ask(ada())).toMatchObject({ kind: 'result' });
    expect(await ask(ada())).toMatchObject({ error: { code: -31003, data: { outcome: 'not_executed' } } });
    expect(await ask(callerOf('bob'))).toMatchObject({ kind: 'result' });
    expect(made.asked('files')).toHaveLength(2);
  });

  it('counts for no limit of tools', async () => {
    const rate = { calls: 1, withinMs: 60_000 };
    const { ask } = await world({ limits: [{ slug: 'l', per: ['principal'], tools: ['*'], rate }] });
    for (let count = 0; count < 3; count += 1) expect(await ask(ada())).toMatchObject({ kind: 'result' });
  });
});

describe('what a server can do beyond what the gateway knows', () => {
  const capabilities = { tools: {}, tasks: { list: {} }, experimental: { acme: {} }, extensions: { 'acme/x': {} } };

  it.each(['legacy', 'modern'] as const)('is offered by a %s server to whom nothing is kept from', async (era) => {
    const { made } = await world({ policies: [{ ...INTERNS, tools: ['delete_all'] }] });
    made.connector.eras.set('files', era);
    made.connector.capabilities.set('files', capabilities);
    made.connector.respond = () => result({ capabilities });
    const offered = async (caller: Caller) => {
      const endpoint = made.endpoint('files', caller);
      if (era === 'modern')
        return made.request('server/discover', {}, { endpoint: 'files', caller, client: MODERN_CLIENT });
      return made.welcome.initializeResult({ caller, client: LEGACY_CLIENT, endpoint });
    };
    expect(await offered(ada())).toMatchObject({ result: { capabilities } });
    expect(await offered(ada({ roles: ['intern'] }))).toHaveProperty('result.capabilities', { tools: {} });
  });
});
