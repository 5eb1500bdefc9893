/** The preview of a list for one caller equals the list that this caller receives. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient, answerOf } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

const LISTS = [
  ['tools', 'tools/list', 'name'],
  ['prompts', 'prompts/list', 'name'],
  ['resources', 'resources/list', 'uri'],
  ['resourceTemplates', 'resources/templates/list', 'uriTemplate'],
] as const;
const ENDPOINTS = ['default', 'hall', 'club', 'lax', 'teamed'];

let server: ReferenceServer;
let gateway: TestGateway;
let admin: AdminClient;
const tokens = {} as Record<'ada' | 'bob' | 'eve', { readonly id: string; readonly text: string }>;

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
  gateway = await startGateway({ servers: {}, env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' } });
  admin = new AdminClient(gateway, ['admin']);
  const entry = { transport: 'http', url: server.url, toolChanges: 'quarantine' };
  await send('POST', '/servers', { slug: 'lax', entry });
  await send('POST', '/servers', { slug: 'teamed', entry: { ...entry, team: 'finance' } });
  await send('POST', '/teams', { slug: 'finance', entry: { members: ['ada'] } });
  const servers = ['teamed', 'lax'];
  await send('POST', '/virtual-servers', {
    slug: 'hall',
    entry: { servers, tools: ['*__plus', '*__echo', '*__test_*'], public: true },
  });
  await send('POST', '/virtual-servers', { slug: 'club', entry: { servers, team: 'finance' } });
  await createToken('ada', {});
  await createToken('bob', {});
  await createToken('eve', { servers: ['teamed'] });
  for (const slug of ['lax', 'teamed']) {
    for (const [, method] of LISTS) await until(async () => (await ask(slug, 'ada', method))['result'] !== undefined);
    await until(async () => (await admin.get(gateway, `/tools/${slug}/add`)).status === 200);
    await send('PUT', `/tools/${slug}/add/presentation`, { name: 'plus' });
    await send('POST', `/tools/${slug}/test_error_handling/disable`);
  }
  await send('POST', '/policies', { slug: 'closed', entry: { effect: 'deny', tools: ['test_*'], subjects: ['bob'] } });
  await send('POST', '/policies', { slug: 'unread', entry: { effect: 'deny', resources: ['test://static*'] } });
  server.world.setDescription('echo', 'Another description.');
  await until(async () => !(await listed('lax', 'ada', LISTS[0]))?.includes('echo'));
  await until(async () => !(await listed('teamed', 'ada', LISTS[0]))?.includes('echo'));
});

afterAll(async () => {
  await gateway?.close();
  await server?.close();
});

async function createToken(subject: keyof typeof tokens, more: JsonObject): Promise<void> {
  const client = new AdminClient(gateway, ['user'], subject);
  const { json } = await client.send(gateway, 'POST', '/tokens', { body: { title: subject, ...more } });
  tokens[subject] = { id: json['id'] as string, text: json['token'] as string };
}

async function send(verb: string, path: string, body?: JsonObject): Promise<void> {
  const headers = { 'if-match': '*' };
  const { status, json } = await admin.send(gateway, verb, path, { headers, ...(body && { body }) });
  if (status >= 300) throw new Error(`${verb} ${path}: ${JSON.stringify(json)}`);
}

type Name = keyof typeof tokens | 'anonymous';

async function ask(endpoint: string, name: Name, method: string): Promise<JsonObject> {
  const path = endpoint === 'default' ? '/rpc' : `/servers/${endpoint}/rpc`;
  const authorization = name === 'anonymous' ? {} : { authorization: `Bearer ${tokens[name].text}` };
  const answer = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} }),
  });
  return (await answerOf(answer)).json;
}

/** The sorted names of the list that the caller receives. Undefined: the endpoint refuses the request. */
async function listed(endpoint: string, name: Name, [kind, method, id]: (typeof LISTS)[number]) {
  const { result } = (await ask(endpoint, name, method)) as { result?: JsonObject };
  return (result?.[kind] as JsonObject[] | undefined)?.map((item) => item[id] as string).toSorted();
}

const preview = (body: JsonObject) => admin.send(gateway, 'POST', '/policy/visible-items', { body });
const choiceOf = (name: Name): JsonObject => (name === 'anonymous' ? { anonymous: true } : { token: tokens[name].id });

describe('the items that a caller sees', () => {
  it.each(['ada', 'bob', 'eve', 'anonymous'] as const)('equal the lists of %s at every endpoint', async (name) => {
    for (const endpoint of ENDPOINTS) {
      for (const list of LISTS) {
        const { json } = await preview({ ...choiceOf(name), endpoint, kind: list[0], limit: 200 });
        const names = (json['items'] as JsonObject[]).map(({ publicName }) => publicName as string).toSorted();
        const seen = json['refusal'] === undefined ? names : undefined;
        expect({ endpoint, list, seen }).toEqual({ endpoint, list, seen: await listed(endpoint, name, list) });
      }
    }
  });

  it('omit what a team, a policy, the quarantine or an admin withholds', async () => {
    const names = async (name: Name, endpoint: string) =>
      ((await preview({ ...choiceOf(name), endpoint, limit: 200 })).json['items'] as JsonObject[]).map(
        ({ publicName }) => publicName as string,
      );
    const [ada, bob] = [await names('ada', 'default'), await names('bob', 'default')];
    expect(ada).toEqual(expect.arrayContaining(['lax__plus', 'teamed__plus', 'lax__test_simple_text']));
    expect(ada).not.toContain('lax__echo');
    expect(bob).toContain('lax__plus');
    expect(bob.filter((each) => /^teamed|test_simple_text/.test(each))).toEqual([]);
  });

  it('come with the own name and the name that an admin gave', async () => {
    const { json } = await preview({ ...choiceOf('ada'), endpoint: 'default' });
    const plus = { server: 'lax', name: 'add', shownName: 'plus', publicName: 'lax__plus' };
    expect(json['items']).toContainEqual(plus);
  });

  it('are the same on small pages', async () => {
    const question = { caller: { subject: 'ada' }, endpoint: 'default' };
    const whole = (await preview({ ...question, limit: 200 })).json['items'];
    const items: unknown[] = [];
    let cursor: unknown;
    do {
      const { json } = await preview({
        ...question,
        limit: 5,
        ...(cursor !== undefined && { cursor: cursor as string }),
      });
      items.push(...(json['items'] as unknown[]));
      cursor = json['nextCursor'];
    } while (cursor !== undefined);
    expect(items).toEqual(whole);
  });

  it('are none, with the reason, where the endpoint refuses the caller', async () => {
    const refused = await preview({ anonymous: true, endpoint: 'default' });
    expect(refused.json).toEqual({ items: [], refusal: 'The endpoint requires a token.' });
    const stranger = await preview({ ...choiceOf('bob'), endpoint: 'club' });
    expect(stranger.json).toEqual({ items: [], refusal: 'The caller has no access to the endpoint.' });
  });

  it('cannot be asked for at an unknown endpoint, without a caller, or for too many at once', async () => {
    const statuses = [];
    for (const body of [
      { anonymous: true, endpoint: 'nowhere' },
      { endpoint: 'default' },
      { anonymous: true, endpoint: 'default', limit: 201 },
      { anonymous: true, endpoint: 'default', cursor: 'x' },
    ])
      statuses.push((await preview(body)).status);
    expect(statuses).toEqual([404, 422, 400, 400]);
  });
});
