/** The effects of policies and teams on lists, calls and endpoints, for clients of every era. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import type { TokenOptions } from '../../src/auth/testing.js';
import { CLIENTS, type ClientKind } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type ListName, type SdkClient } from '../support/sdk-client.js';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const WATCHED = 'test://watched-resource';

const ERAS = ['legacy', 'modern'] as const;
type Era = (typeof ERAS)[number];
const servers = {} as Record<Era, ReferenceServer>;
let gateway: TestGateway;
let admin: AdminClient;
const clients: SdkClient[] = [];

beforeAll(async () => {
  for (const era of ERAS) servers[era] = await startReferenceServer({ era, transport: 'http' });
});

afterAll(() => Promise.all(ERAS.map((era) => servers[era].close())));

/** A configuration with this entry of the team that owns a server of each era. */
function configurationWith(finance: JsonObject) {
  const entries = ERAS.flatMap((era) => [
    [era, { transport: 'http', url: servers[era].url }] as const,
    [`${era}-owned`, { transport: 'http', url: servers[era].url, team: 'finance' }] as const,
  ]);
  return { servers: Object.fromEntries(entries), teams: { finance } };
}

const setTeam = async (finance: JsonObject) =>
  expect(await gateway.reload(JSON.stringify(configurationWith(finance)))).toBe('applied');

beforeEach(async () => {
  gateway = await startGateway(configurationWith({}));
  admin = new AdminClient(gateway, ['admin']);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await gateway.close();
});

const create = async (collection: string, slug: string, entry: JsonObject) =>
  expect(await admin.send(gateway, 'POST', `/${collection}`, { body: { slug, entry } })).toMatchObject({ status: 201 });

async function connect(kind: ClientKind, slug?: string, order: Partial<TokenOptions> = {}): Promise<SdkClient> {
  const url = slug === undefined ? `${gateway.url}/${kind.path}` : `${gateway.url}/servers/${slug}/${kind.path}`;
  const client = await kind.connect({ url, token: await gateway.token(order) });
  clients.push(client);
  return client;
}

const labelsIn = async (client: SdkClient, list: ListName, label = 'name') =>
  (await client.list(list)).map((item) => item[label] as string);

const kinds = CLIENTS.filter(({ path }) => path === 'mcp');
const cells = kinds.flatMap((kind) => ERAS.map((era) => ({ kind, era, name: `${kind.name} with a ${era} server` })));

describe.each(cells)('access policies: $name', ({ kind, era }) => {
  it('lists and calls only items that the policies allow', async () => {
    await create('policies', 'readers', { effect: 'allow', servers: [era], tools: ['echo', 'ad*'], roles: ['reader'] });
    await create('policies', 'no-prompts', { effect: 'deny', servers: [era], prompts: ['*'] });
    await create('policies', 'hidden', { effect: 'deny', servers: [era], resources: [WATCHED] });
    for (const [slug, prefix] of [
      [undefined, `${era}__`],
      [era, ''],
    ] as const) {
      const [reader, other] = [await connect(kind, slug, { roles: ['reader'] }), await connect(kind, slug)];
      const [readable, rest] = [await labelsIn(reader, 'tools'), await labelsIn(other, 'tools')];
      const allowed = [`${prefix}echo`, `${prefix}add`];
      expect(readable).toEqual(expect.arrayContaining(allowed));
      expect(rest).toEqual(readable.filter((name) => !allowed.includes(name)));
      expect(textOf(await reader.call(`${prefix}echo`, { text: 'mine' }))).toBe('mine');
      await expect(other.call(`${prefix}echo`, { text: 'not mine' })).rejects.toThrow(/Unknown tool/);
      expect((await labelsIn(reader, 'prompts')).filter((name) => name.startsWith(prefix))).toEqual([]);
      await expect(reader.prompt(`${prefix}test_simple_prompt`)).rejects.toThrow(/Unknown prompt/);
      const hidden = slug === undefined ? `${era}+${WATCHED}` : WATCHED;
      expect(await labelsIn(reader, 'resources', 'uri')).not.toContain(hidden);
      await expect(reader.read(hidden)).rejects.toThrow(/not found/i);
    }
  });

  it('calls a tool only with arguments that satisfy the condition of a policy', async () => {
    await create('policies', 'small', { effect: 'allow', servers: [era], tools: ['add'], when: 'args.a < 100' });
    const client = await connect(kind, era);
    expect(await labelsIn(client, 'tools')).toContain('add');
    expect(textOf(await client.call('add', { a: 99, b: 1 }))).toBe('{"sum":100}');
    await expect(client.call('add', { a: 100, b: 1 })).rejects.toMatchObject({
      code: -31_009,
      data: { outcome: 'not_executed', retriable: false, server: era },
    });
  });

  it("reaches a team's server only as a member of the team", async () => {
    const slug = `${era}-owned`;
    await expect(connect(kind, slug)).rejects.toThrow();
    const outside = await connect(kind);
    expect(await labelsIn(outside, 'tools')).not.toContain(`${slug}__echo`);
    await setTeam({ members: ['tester'] });
    expect(textOf(await (await connect(kind, slug)).call('echo', { text: 'inside' }))).toBe('inside');
    expect(await labelsIn(outside, 'tools')).toContain(`${slug}__echo`);
    await expect(connect(kind, slug, { subject: 'stranger' })).rejects.toThrow();
    await connect(kind, slug, { subject: 'boss', roles: ['admin'] });
  });

  it('receives a list change when a policy changes its visible tools', async () => {
    const client = await connect(kind);
    await client.watch({ lists: true });
    let effect = 0;
    await client.received.untilReceivedAfter(async () => {
      await create('policies', `no-echo-${(effect += 1)}`, { effect: 'deny', servers: [era], tools: ['echo'] });
    }, TOOLS_CHANGED);
    expect(await labelsIn(client, 'tools')).not.toContain(`${era}__echo`);
  });
});

describe('the admin API for policies', () => {
  it('explains the decision of the policies about a call', async () => {
    await setTeam({ members: ['isthmus|ada'], roles: ['payer'] });
    await create('policies', 'payers', {
      effect: 'allow',
      servers: ['*-owned'],
      tools: ['add'],
      roles: ['payer'],
      when: 'args.a < 100 && claims.level == 3',
    });
    const explain = (body: JsonObject) => admin.send(gateway, 'POST', '/policy/explain', { body });
    const question = { caller: { subject: 'ada', claims: { level: 3 } }, server: 'modern-owned', name: 'add' };
    expect(await explain({ ...question, args: { a: 1 } })).toMatchObject({
      status: 200,
      json: {
        allowed: true,
        reason: 'The policy payers allows it.',
        rules: [{ policy: 'payers', effect: 'allow', counts: true, why: 'its condition holds' }],
      },
    });
    expect(await explain(question)).toMatchObject({ json: { allowed: true, rules: [{ counts: 'maybe' }] } });
    expect(await explain({ ...question, caller: { subject: 'bob' } })).toMatchObject({
      json: { allowed: false, rules: [{ why: 'the caller has none of the roles payer' }] },
    });
    expect(await explain({ ...question, server: 'nowhere' })).toMatchObject({ status: 404 });
    expect(await explain({ server: 'modern', name: 1 })).toMatchObject({ status: 400 });
  });

  it('rejects a policy with an invalid list or condition with 422', async () => {
    const body = { slug: 'wrong', entry: { effect: 'allow', tools: 'pay', when: 'caller.x' } };
    expect(await admin.send(gateway, 'POST', '/policies', { body })).toMatchObject({
      status: 422,
      json: {
        errors: [
          'tools: must be a list of strings.',
          expect.stringMatching(/^when: must be a CEL expression .*Unknown variable: caller/),
        ],
      },
    });
  });
});
