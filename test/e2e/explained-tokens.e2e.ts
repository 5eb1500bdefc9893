/** The explanation of a call with a personal access token, or without any, agrees with the call. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient, answerOf } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

let server: ReferenceServer;
let gateway: TestGateway;
let admin: AdminClient;
const callers: { name: string; id?: string; text?: string }[] = [];

const CONDITIONAL = 'args.a == 1';
const RULES: Record<string, JsonObject[]> = {
  'no rules': [],
  'a deny of the own name': [{ effect: 'deny', tools: ['add'] }],
  'a deny of the shown name': [{ effect: 'deny', tools: ['plus'], when: CONDITIONAL }],
  'an allow for a team role': [{ effect: 'allow', roles: ['payer'] }],
  'an allow for a team': [{ effect: 'allow', tools: ['plus', 'echo'], teams: ['finance'] }],
  'an allow for a subject': [{ effect: 'allow', servers: ['lax'], subjects: ['ada'], when: CONDITIONAL }],
  'an allow of one of two names': [
    { effect: 'allow', roles: ['payer'], tools: ['*'] },
    { effect: 'allow', tools: ['add'], teams: ['finance'] },
  ],
  'a deny of a resource': [{ effect: 'deny', resources: ['test://static*'] }],
};
const ITEMS: { kind: 'tools' | 'resources'; name: string; args?: JsonObject }[] = [
  { kind: 'tools', name: 'plus', args: { a: 1, b: 2 } },
  { kind: 'tools', name: 'plus', args: { a: 2, b: 2 } },
  { kind: 'tools', name: 'add', args: { a: 1, b: 2 } },
  { kind: 'tools', name: 'echo', args: { text: 'x' } },
  { kind: 'tools', name: 'test_simple_text', args: {} },
  { kind: 'resources', name: 'test://static-text' },
  { kind: 'resources', name: 'test://watched-resource' },
  { kind: 'resources', name: 'test://x/../static-text' },
];

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
  gateway = await startGateway({ servers: {}, env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' } });
  admin = new AdminClient(gateway, ['admin']);
  const entry = { transport: 'http', url: server.url };
  await send('POST', '/servers', { slug: 'lax', entry });
  await send('POST', '/servers', { slug: 'teamed', entry: { ...entry, team: 'finance' } });
  await send('POST', '/teams', { slug: 'finance', entry: { members: ['ada'], roles: ['payer'] } });
  const hall = { servers: ['lax', 'teamed'], tools: ['*__plus', '*__echo'], resources: ['*+test://*'], public: true };
  await send('POST', '/virtual-servers', { slug: 'hall', entry: hall });
  await until(async () => (await ask('hall', undefined, 'tools/list'))['result'] !== undefined);
  for (const slug of ['lax', 'teamed']) {
    await until(async () => (await admin.get(gateway, `/tools/${slug}/add`)).status === 200);
    await send('PUT', `/tools/${slug}/add/presentation`, { name: 'plus' });
  }
  await openCallers();
});

afterAll(async () => {
  await gateway?.close();
  await server?.close();
});

async function openCallers(): Promise<void> {
  callers.push({ name: 'anonymous' });
  for (const [name, subject, more] of [
    ['a token of a team member', 'ada', {}],
    ['a token with a team role', 'ada', { roles: ['payer'] }],
    ['a token for one server', 'ada', { servers: ['lax'], roles: ['payer'] }],
    ['a token for the other server', 'ada', { servers: ['teamed'] }],
    ['a token of a stranger', 'bob', {}],
  ] as const) {
    const client = new AdminClient(gateway, ['user'], subject);
    const { json, status } = await client.send(gateway, 'POST', '/tokens', { body: { title: name, ...more } });
    if (status !== 201) throw new Error(JSON.stringify(json));
    callers.push({ name, id: json['id'] as string, text: json['token'] as string });
  }
}

async function send(verb: string, path: string, body?: JsonObject): Promise<void> {
  const { status, json } = await admin.send(gateway, verb, path, {
    headers: { 'if-match': '*' },
    ...(body && { body }),
  });
  if (status >= 300) throw new Error(`${verb} ${path}: ${JSON.stringify(json)}`);
}

async function ask(
  endpoint: string,
  token: string | undefined,
  method: string,
  params: JsonObject = {},
): Promise<JsonObject> {
  const answer = await fetch(`${gateway.url}/servers/${endpoint}/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  return (await answerOf(answer)).json;
}

/** Calls the item, and returns the error code of the answer, or undefined for a result. */
async function call(endpoint: string, slug: string, { kind, name, args }: (typeof ITEMS)[number], token?: string) {
  const isHall = endpoint === 'hall';
  const params: JsonObject =
    kind === 'tools'
      ? { name: isHall ? `${slug}__${name}` : name, arguments: args ?? {} }
      : { uri: isHall ? `${slug}+${name}` : name };
  const { error } = await ask(endpoint, token, kind === 'tools' ? 'tools/call' : 'resources/read', params);
  return (error as { code: number } | undefined)?.code;
}

describe.each(Object.keys(RULES))('with %s', (rules) => {
  const written = RULES[rules] ?? [];

  beforeAll(async () => {
    for (const [index, entry] of written.entries()) await send('POST', '/policies', { slug: `p${index}`, entry });
  });

  afterAll(async () => {
    for (const index of written.keys()) await send('DELETE', `/policies/p${index}`);
  });

  it('the explanation of each call equals the answer to the call', async () => {
    const combinations = callers.flatMap((caller) =>
      ['lax', 'teamed'].flatMap((slug) =>
        // An anonymous caller is admitted to the public virtual server only.
        ['hall', ...(caller.id === undefined ? [] : [slug])].map((endpoint) => ({ caller, slug, endpoint })),
      ),
    );
    const differences: string[] = [];
    for (const { caller, slug, endpoint } of combinations) {
      await Promise.all(
        ITEMS.map(async (item) => {
          const described = caller.id === undefined ? { anonymous: true } : { token: caller.id };
          const body = { ...described, server: slug, ...(endpoint === 'hall' && { endpoint }), ...item };
          const { json } = await admin.send(gateway, 'POST', '/policy/explain', { body });
          const code = await call(endpoint, slug, item, caller.text);
          if (json['allowed'] !== (code === undefined))
            differences.push(`${caller.name} at ${endpoint}, ${slug}: ${JSON.stringify([item, code, json])}`);
        }),
      );
    }
    expect(differences).toEqual([]);
  });
});

describe('a request for an explanation', () => {
  const explain = (body: JsonObject) => admin.send(gateway, 'POST', '/policy/explain', { body });
  const item = { server: 'lax', name: 'plus' };

  it('must describe exactly one caller', async () => {
    const [none, two] = [await explain(item), await explain({ ...item, anonymous: true, token: 'x' })];
    expect([none.status, two.status]).toEqual([422, 422]);
    expect(JSON.stringify(none.json)).toContain('exactly one of caller, token and anonymous');
  });

  it('is answered 404 for a token that does not exist', async () => {
    expect((await explain({ ...item, token: 'nobody' })).status).toBe(404);
  });
});
