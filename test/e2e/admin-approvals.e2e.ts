/** Calls that wait for the approval of an admin, for the official clients of both eras. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startToolServer, type ToolServer } from '#lib/testing/kit';
import { startWebhookReceiver, type WebhookReceiver } from '#lib/testing/webhook-receiver';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type CallOptions, type SdkClient } from '../support/sdk-client.js';
import { until } from '../support/until.js';

let server: ToolServer;
let gateway: TestGateway;
let hooks: WebhookReceiver;
let admin: AdminClient;
const clients: SdkClient[] = [];

beforeAll(async () => {
  hooks = await startWebhookReceiver();
  server = await startToolServer({
    drop: { run: ({ table }) => `dropped ${table as string}` },
    list: { annotations: { readOnlyHint: true }, run: () => 'listed' },
  });
  gateway = await startGateway({
    env: {
      ISTHMUS_APPROVAL_WAIT: '1s',
      ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8',
      ISTHMUS_ALERT_WEBHOOK_URL: hooks.url,
      ISTHMUS_ALERT_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}`,
    },
    servers: { db: { transport: 'http', url: server.url } },
    guardrails: { dangerous: { check: 'approval', options: { by: 'admin' } } },
  });
  admin = new AdminClient(gateway, ['admin']);
});

afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

afterAll(async () => {
  await gateway?.close();
  await server?.close();
  await hooks?.close();
});

interface Shown extends JsonObject {
  readonly id: string;
  readonly arguments: JsonObject;
}

async function pendingFor(table: string): Promise<Shown> {
  let found: Shown | undefined;
  await until(async () => {
    const { json } = await admin.get(gateway, '/approvals?state=pending&server=db');
    found = (json['items'] as Shown[]).find((each) => each.arguments['table'] === table);
    return found !== undefined;
  });
  return found!;
}

const decide = (id: string, what: 'approve' | 'refuse', body?: JsonObject, by = admin) =>
  by.send(gateway, 'POST', `/approvals/${id}/${what}`, body && { body });

const KINDS = [CLIENTS[0]!, CLIENTS.find(({ era }) => era === 'modern')!];

describe.each(KINDS)('a call that needs an admin, of $name', ({ connect, path, era }) => {
  async function dropping(table: string, options?: CallOptions) {
    const client = await connect({ url: `${gateway.url}/${path}`, token: await gateway.token() });
    clients.push(client);
    const before = server.calls.length;
    const call = client.call('db__drop', { table }, options);
    call.catch(() => undefined);
    return { client, call, received: () => server.calls.length - before };
  }

  it('waits without support of the client, and runs once after the approval', async () => {
    const { call, received } = await dropping(`${era}-approved`, { onprogress: () => undefined });
    const { id } = await pendingFor(`${era}-approved`);
    expect(received()).toBe(0);
    // Longer than one request of a modern client waits.
    await until(async () => hooks.received.some(({ body }) => body.includes(id)));
    expect(await decide(id, 'approve')).toMatchObject({ status: 200, json: { state: 'approved' } });
    expect(textOf(await call)).toBe(`dropped ${era}-approved`);
    expect(received()).toBe(1);
    expect((await admin.get(gateway, `/approvals/${id}`)).json).toMatchObject({
      state: 'used',
      decidedBy: { subject: 'ops' },
    });
  });

  it('does not run when an admin refuses it, and its caller learns why', async () => {
    const { call, received } = await dropping(`${era}-refused`);
    const { id } = await pendingFor(`${era}-refused`);
    await decide(id, 'refuse', { reason: 'Ask Grace first.' });
    await expect(call).rejects.toThrow(
      'Guardrail dangerous refused the arguments: An admin refused the call: Ask Grace first. The call was not executed.',
    );
    expect(received()).toBe(0);
    expect(await decide(id, 'approve')).toMatchObject({ status: 409 });
  });

  it('is not listed when the tool needs no approval', async () => {
    const { client } = await dropping(`${era}-other`);
    expect(textOf(await client.call('db__list'))).toBe('listed');
  });

  it('does not run when the client has left, and the approval counts for the same call, once', async () => {
    const leaving = new AbortController();
    const { client, call, received } = await dropping(`${era}-left`, { signal: leaving.signal });
    const { id } = await pendingFor(`${era}-left`);
    leaving.abort();
    await expect(call).rejects.toThrow();
    await decide(id, 'approve');
    expect(received()).toBe(0);
    expect(textOf(await client.call('db__drop', { table: `${era}-left` }))).toBe(`dropped ${era}-left`);
    void client.call('db__drop', { table: `${era}-left` }).catch(() => undefined);
    expect((await pendingFor(`${era}-left`)).id).not.toBe(id);
    expect(received()).toBe(1);
  });
});

describe('approvals at the admin API', () => {
  it('are shown with arguments to who may read them, and decided by other admins than the caller', async () => {
    const client = await CLIENTS[0]!.connect({ url: `${gateway.url}/mcp`, token: await gateway.token() });
    clients.push(client);
    void client.call('db__drop', { table: 'roles', password: 'swordfish' }).catch(() => undefined);
    const shown = await pendingFor('roles');
    expect(shown).toMatchObject({
      server: 'db',
      item: 'drop',
      method: 'tools/call',
      caller: { subject: 'tester' },
      message: expect.stringContaining('Guardrail dangerous: The tool "drop"'),
      arguments: { table: 'roles', password: '[redacted]' },
    });
    const one = `/approvals/${shown.id}`;
    expect((await new AdminClient(gateway, ['auditor']).get(gateway, one)).json).toHaveProperty('arguments');
    const seen = (await new AdminClient(gateway, ['operator']).get(gateway, one)).json;
    expect(seen).not.toHaveProperty('arguments');
    expect(seen['argumentsDigest']).toBe(shown['argumentsDigest']);
    for (const role of ['operator', 'auditor', 'user'])
      expect(await decide(shown.id, 'approve', undefined, new AdminClient(gateway, [role]))).toMatchObject({
        status: 403,
      });
    const own = new AdminClient(gateway, ['admin'], 'tester');
    expect(await decide(shown.id, 'approve', undefined, own)).toMatchObject({
      status: 403,
      json: { detail: 'You made this call yourself. Another admin must approve it.' },
    });
    expect(await decide(shown.id, 'refuse', {})).toMatchObject({ status: 400 });
    expect(await decide(shown.id, 'refuse', { reason: 'No.' })).toMatchObject({ status: 200 });
    expect(await decide('none', 'approve')).toMatchObject({ status: 404 });
    const { json } = await admin.get(gateway, `/audit?path=/admin/v1${one}&kind=change`);
    const records = (json['items'] as JsonObject[]).map(({ subject, outcome }) => [subject, outcome]);
    expect(records).toContainEqual(['ops', 'done']);
    expect(records).toContainEqual(['tester', 'failed']);
  });

  it('are listed in pages', async () => {
    const all = (await admin.get(gateway, '/approvals')).json['items'] as JsonObject[];
    expect(all.length).toBeGreaterThan(3);
    expect((await admin.all(gateway, '/approvals', 2)).map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    expect((await admin.get(gateway, '/approvals?server=none')).json).toEqual({ items: [] });
    expect(await admin.get(gateway, '/approvals?state=odd')).toMatchObject({ status: 400 });
  });
});
