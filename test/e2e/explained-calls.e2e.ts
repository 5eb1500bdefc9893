/** The explanation of a call in the admin API agrees with the outcome of the call. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient, answerOf } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

interface Explained {
  readonly allowed: boolean;
  readonly reason: string;
  readonly gates: readonly { readonly gate: string; readonly allowed: boolean; readonly code?: number }[];
}

const ARGS = { a: 1, b: 2 };

let server: ReferenceServer;
let gateway: TestGateway;
let admin: AdminClient;

beforeEach(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
  gateway = await startGateway({ servers: {}, env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' } });
  admin = new AdminClient(gateway, ['admin']);
  const entry = { transport: 'http', url: server.url };
  await send('POST', '/servers', { slug: 'lax', entry });
  await send('POST', '/servers', { slug: 'strict', entry: { ...entry, toolChanges: 'quarantine' } });
  for (const slug of ['lax', 'strict']) await until(async () => (await codeOf(slug, 'add')) === undefined);
  await ask('tools/list');
  await until(async () => (await admin.get(gateway, '/tools/lax/add')).status === 200);
});

afterEach(async () => {
  await gateway.close();
  await server.close();
});

async function send(verb: string, path: string, body?: JsonObject): Promise<void> {
  const headers = { 'if-match': '*' };
  const { status, json } = await admin.send(gateway, verb, path, { headers, ...(body && { body }) });
  if (status >= 300) throw new Error(`${verb} ${path}: ${JSON.stringify(json)}`);
}

async function ask(method: string, params: JsonObject = {}, token?: string): Promise<JsonObject> {
  const bearer = token ?? (await gateway.token({ subject: 'ada' }));
  const answer = await fetch(`${gateway.url}/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  return (await answerOf(answer)).json;
}

/** The error code of a call; undefined for a result. */
async function codeOf(slug: string, name: string, args: JsonObject = ARGS, token?: string) {
  const { error } = await ask('tools/call', { name: `${slug}__${name}`, arguments: args }, token);
  return (error as { code: number } | undefined)?.code;
}

async function explain(slug: string, name: string, args?: JsonObject, servers?: string[]): Promise<Explained> {
  const caller = { subject: 'ada', ...(servers && { servers }) };
  const body = { caller, server: slug, name, ...(args && { args }) };
  const { status, json } = await admin.send(gateway, 'POST', '/policy/explain', { body });
  expect(status).toBe(200);
  return json as unknown as Explained;
}

const lastOf = ({ gates }: Explained) => gates.find(({ allowed }) => !allowed);

describe('the explanation of a call', () => {
  it('lists all gates as open for a call that succeeds', async () => {
    for (const slug of ['lax', 'strict']) {
      const explanation = await explain(slug, 'add', ARGS);
      expect(explanation.allowed).toBe(true);
      expect(explanation.gates.map(({ gate }) => gate)).toEqual(['server', 'token', 'policy', 'item', 'trust']);
      expect(await codeOf(slug, 'add')).toBeUndefined();
    }
  });

  it.each<[gate: string, code: number, slug: string, name: string, change: () => Promise<unknown>]>([
    ['server', -32_602, 'lax', 'add', () => send('POST', '/servers/lax/disable')],
    [
      'policy',
      -32_602,
      'lax',
      'add',
      () => send('POST', '/policies', { slug: 'no', entry: { effect: 'deny', tools: ['add'] } }),
    ],
    [
      'policy',
      -31_009,
      'lax',
      'add',
      () => send('POST', '/policies', { slug: 'no', entry: { effect: 'deny', tools: ['add'], when: 'args.a == 1' } }),
    ],
    ['item', -32_602, 'lax', 'add', () => send('POST', '/tools/lax/add/disable')],
    ['item', -32_602, 'lax', 'add', () => send('PUT', '/tools/lax/add/presentation', { name: 'plus' })],
    ['trust', -32_602, 'strict', 'nowhere', async () => undefined],
    [
      'trust',
      -31_008,
      'strict',
      'add',
      async () => {
        server.world.setDescription('add', 'Adds, and tells somebody.');
        await until(async () => {
          await ask('tools/list');
          return (await admin.get(gateway, '/tools/strict/add')).json['status'] === 'quarantined';
        });
      },
    ],
  ])('names the closed gate "%s" and the error code that the call gets: %d', async (gate, code, slug, name, change) => {
    await change();
    const explanation = await explain(slug, name, ARGS);
    expect(explanation).toMatchObject({ allowed: false, reason: expect.stringMatching(/\.$/) });
    expect(lastOf(explanation)).toMatchObject({ gate, code });
    expect(await codeOf(slug, name)).toBe(code);
  });

  it('considers the servers of a token and the presented name of a tool', async () => {
    const ada = new AdminClient(gateway, ['user'], 'ada');
    const made = await ada.send(gateway, 'POST', '/tokens', { body: { title: 'one', servers: ['lax'] } });
    const token = made.json['token'] as string;
    expect(lastOf(await explain('strict', 'add', ARGS, ['lax']))).toMatchObject({ gate: 'token', code: -32_602 });
    expect(await codeOf('strict', 'add', ARGS, token)).toBe(-32_602);
    await send('PUT', '/tools/lax/add/presentation', { name: 'plus' });
    expect(await explain('lax', 'plus', ARGS, ['lax'])).toMatchObject({ allowed: true });
    expect(await codeOf('lax', 'plus', ARGS, token)).toBeUndefined();
  });
});
