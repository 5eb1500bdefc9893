/** What a list filter hides does not exist for the caller: in lists, calls, completions, reads, subscriptions and notifications. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { FiltersLists, ListFilter, type Caller, type JsonObject, type ViewedItem } from '#lib/extension-kit';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport } from '#lib/testing/raw-client';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import type { SdkClient } from '../support/sdk-client.js';
import { until } from '../support/until.js';

const HIDDEN: ReadonlySet<string> = new Set([
  'add',
  'extra_tool',
  'test_prompt_with_arguments',
  'test://static-text',
  'test://template/{id}/data',
]);

@FiltersLists()
class HidesFromContractors extends ListFilter {
  override concerns({ roles }: Caller): boolean {
    return roles.includes('contractor');
  }
  override hides({ name }: ViewedItem): boolean {
    return HIDDEN.has(name);
  }
  override describe(definition: JsonObject, { server }: ViewedItem): JsonObject {
    return { ...definition, title: `For contractors of ${server.slug}` };
  }
}

@FiltersLists({ order: 1 })
class Broken extends ListFilter {
  override concerns({ roles }: Caller): boolean {
    return roles.includes('unlucky');
  }
  override hides({ name }: ViewedItem): boolean {
    if (name === 'add') throw new Error('down');
    if (name === 'echo') return Promise.resolve(false) as unknown as boolean;
    return false;
  }
  override describe(definition: JsonObject, { name }: ViewedItem): JsonObject {
    if (name === 'test_simple_text') return { ...definition, name: 'another' };
    if (name === 'test_image_content') throw new Error('down');
    definition['description'] = 'changed in place';
    return definition;
  }
}

@Module({ providers: [HidesFromContractors, Broken] })
class Acme {}

const ERAS = ['legacy', 'modern'] as const;
const servers = {} as Record<(typeof ERAS)[number], CountingServer>;
let gateway: TestGateway;
let contractor: string;
let member: string;
const clients: SdkClient[] = [];

beforeAll(async () => {
  for (const era of ERAS) servers[era] = await startCountingServer({ era, transport: 'http' });
  gateway = await startGateway({
    servers: Object.fromEntries(ERAS.map((era) => [era, servers[era].definition])),
    extensions: [Acme],
  });
  contractor = await gateway.token({ roles: ['contractor'] });
  member = await gateway.token({ roles: ['member'] });
});

afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

afterAll(async () => {
  await gateway?.close();
  await Promise.all(ERAS.map((era) => servers[era]?.close()));
});

async function send(transport: ClientTransport, path: string, token: string, method: string, params: JsonObject = {}) {
  const client = rawClient(transport, `${gateway.url}${path}`, { token });
  try {
    await client.connect();
    const { answers } = await client.request(method, params);
    return answers[0] as {
      readonly result?: JsonObject;
      readonly error?: { readonly code: number; readonly message: string };
    };
  } finally {
    await client.close();
  }
}

const LISTS = [
  ['tools/list', 'tools', 'name', 'add'],
  ['prompts/list', 'prompts', 'name', 'test_prompt_with_arguments'],
  ['resources/list', 'resources', 'uri', 'test://static-text'],
  ['resources/templates/list', 'resourceTemplates', 'uriTemplate', 'test://template/{id}/data'],
] as const;

async function listed(
  transport: ClientTransport,
  path: string,
  token: string,
  [method, memberOfResult]: (typeof LISTS)[number],
) {
  const { result } = await send(transport, path, token, method);
  return result?.[memberOfResult] as readonly JsonObject[];
}

const cells = CLIENT_TRANSPORTS.flatMap((transport) =>
  ERAS.flatMap((era) => [
    { transport, era, path: `/servers/${era}`, toName: (own: string) => own, toUri: (own: string) => own },
    { transport, era, path: '', toName: (own: string) => `${era}__${own}`, toUri: (own: string) => `${era}+${own}` },
  ]),
);

describe.each(cells)('a list filter, for a client of $transport at "$path" with a $era server', (cell) => {
  const { transport, era, path, toName, toUri } = cell;

  it('hides items in lists, describes the others, and concerns no other caller', async () => {
    for (const list of LISTS) {
      const [, , id, own] = list;
      const shown = id === 'name' ? toName(own) : toUri(own);
      const ofServer = (items: readonly JsonObject[]) =>
        items.filter((item) => path !== '' || JSON.stringify(item[id]).startsWith(`"${era}`));
      const seen = ofServer(await listed(transport, path, contractor, list));
      expect(seen.map((item) => item[id])).not.toContain(shown);
      expect(new Set(seen.map(({ title }) => title))).toEqual(
        new Set(seen.length > 0 ? [`For contractors of ${era}`] : []),
      );
      const whole = ofServer(await listed(transport, path, member, list));
      expect(whole.map((item) => item[id])).toContain(shown);
      expect(whole.map(({ title }) => title)).not.toContain(`For contractors of ${era}`);
    }
  });

  it('answers uses of hidden items as uses of unknown ones, and admits others', async () => {
    const ask = (method: string, params: JsonObject, token = contractor) =>
      send(transport, path, token, method, params);
    const call = (name: string) => ask('tools/call', { name: toName(name), arguments: { a: 1, b: 2 } });
    expect((await call('add')).error).toEqual({ code: -32_602, message: `Unknown tool: ${toName('add')}` });
    const prompt = (name: string) => ask('prompts/get', { name: toName(name), arguments: { arg1: 'a', arg2: 'b' } });
    expect((await prompt('test_prompt_with_arguments')).error?.code).toBe(-32_602);
    const completion = {
      ref: { type: 'ref/prompt', name: toName('test_prompt_with_arguments') },
      argument: { name: 'arg1', value: 'p' },
    };
    expect((await ask('completion/complete', completion)).error?.code).toBe(-32_602);
    expect((await ask('completion/complete', completion, member)).error).toBeUndefined();
    const read = (token?: string) => ask('resources/read', { uri: toUri('test://static-text') }, token);
    expect((await read()).error?.message).toContain('Resource not found');
    expect((await read(member)).error).toBeUndefined();
    const added = await ask('tools/call', { name: toName('add'), arguments: { a: 1, b: 2 } }, member);
    expect(added.error).toBeUndefined();
  });
});

describe('a list filter and notifications', () => {
  const kinds = CLIENTS.filter(({ name }) => ['SDK v1', 'SDK v2'].includes(name) || name.includes('stateless'));
  const UPDATED = 'notifications/resources/updated';
  const TOOLS_CHANGED = 'notifications/tools/list_changed';
  const WATCHED = 'test://watched-resource';

  it.each(kinds.flatMap((kind) => ERAS.map((era) => ({ kind, era, name: `${kind.name} with a ${era} server` }))))(
    'are not sent of changes that are hidden from the caller: $name',
    async ({ kind, era }) => {
      const url = `${gateway.url}/servers/${era}/${kind.path}`;
      const client = await kind.connect({ url, token: contractor });
      clients.push(client);
      await client.watch({ lists: true });
      await client.watch({ uri: WATCHED });
      const touch = () =>
        client.received.untilReceivedAfter(async () => servers[era].server.world.touch(WATCHED), UPDATED);
      await touch();
      const before = client.received.of(TOOLS_CHANGED).length;
      const looks = servers[era].requests.count('tools/list');
      servers[era].server.world.toggleExtra('tools');
      await until(() => servers[era].requests.count('tools/list') > looks);
      await touch();
      expect(client.received.of(TOOLS_CHANGED)).toHaveLength(before);
    },
  );
});

describe('a list filter that fails', () => {
  it('hides the items about which it does not decide, or which it does not describe', async () => {
    const token = await gateway.token({ roles: ['unlucky'] });
    const tools = await listed('modern', '/servers/modern', token, LISTS[0]);
    const names = tools.map(({ name }) => name);
    for (const hidden of ['add', 'echo', 'test_simple_text', 'test_image_content', 'another'])
      expect(names).not.toContain(hidden);
    expect(names).toContain('test_audio_content');
    const call = await send('modern', '/servers/modern', token, 'tools/call', {
      name: 'add',
      arguments: { a: 1, b: 2 },
    });
    expect(call.error?.code).toBe(-32_602);
  });

  it('does not change what other callers see', async () => {
    const tools = await listed('modern', '/servers/modern', member, LISTS[0]);
    expect(tools.map(({ description }) => description)).not.toContain('changed in place');
  });
});

describe('policy/explain', () => {
  const explain = async (roles: readonly string[], name: string) => {
    const body = { caller: { subject: 'ada', roles: [...roles] }, server: 'modern', name };
    const { json } = await new AdminClient(gateway, ['admin']).send(gateway, 'POST', '/policy/explain', { body });
    return json as unknown as { allowed: boolean; reason: string; gates: { gate: string; allowed: boolean }[] };
  };

  it('names the filter that hides an item', async () => {
    const explained = await explain(['contractor'], 'add');
    expect(explained).toMatchObject({
      allowed: false,
      reason: 'The list filter HidesFromContractors hides the item from this caller.',
    });
    expect(explained.gates).toContainEqual(expect.objectContaining({ gate: 'filter', allowed: false, code: -32_602 }));
    expect((await explain(['contractor'], 'echo')).gates).toContainEqual(
      expect.objectContaining({ gate: 'filter', allowed: true }),
    );
    const { allowed, gates } = await explain(['member'], 'add');
    expect([allowed, gates.map(({ gate }) => gate).includes('filter')]).toEqual([true, false]);
  });
});
