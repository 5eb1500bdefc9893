/** A POST with an idempotency key is executed once, however often it is sent. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { AdminClient, type AdminAnswer } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

let gateway: TestGateway;
let admin: AdminClient;

beforeEach(async () => {
  gateway = await startGateway({ servers: {} });
  admin = new AdminClient(gateway, ['admin']);
});

afterEach(() => gateway.close());

const post = (path: string, key: string, body: unknown, who = admin): Promise<AdminAnswer> =>
  who.send(gateway, 'POST', path, { body, headers: { 'idempotency-key': key } });
const team = (slug: string): JsonObject => ({ slug, entry: { members: ['ada'] } });

describe('a request with an idempotency key', () => {
  it('is executed once, and a repetition gets the same answer', async () => {
    const first = await post('/teams', 'k1', team('one'));
    expect(first).toMatchObject({ status: 201, json: { slug: 'one' } });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    // A key with quotation marks equals the key without.
    const again = await post('/teams', '"k1"', team('one'));
    expect(again).toMatchObject({ status: 201, json: first.json });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    for (const name of ['etag', 'location']) expect(again.headers.get(name)).toBe(first.headers.get(name));
    expect(await post('/teams', 'k2', team('one'))).toMatchObject({ status: 409, json: { reason: 'slug_taken' } });
  });

  it('repeats a secret in the answer to the same principal only', async () => {
    const first = await post('/tokens', 'k', { title: 'mine' });
    expect((await post('/tokens', 'k', { title: 'mine' })).json).toEqual(first.json);
    const other = new AdminClient(gateway, ['admin'], 'other');
    const his = await post('/tokens', 'k', { title: 'mine' }, other);
    expect(his).toMatchObject({ status: 201, json: { subject: 'other' } });
    expect(his.json['token']).not.toBe(first.json['token']);
    expect((await admin.get(gateway, '/tokens')).json['items']).toHaveLength(2);
  });

  it('does not repeat a secret to a token of the same subject with other rights', async () => {
    const first = await post('/tokens', 'k', { title: 'mine', roles: ['admin'] });
    expect(first).toMatchObject({ status: 201 });
    const weaker = new AdminClient(gateway, ['user']);
    const his = await post('/tokens', 'k', { title: 'mine', roles: ['admin'] }, weaker);
    expect(his).toMatchObject({ status: 422, json: { detail: expect.stringMatching(/other rights/) } });
    expect(his.json['token']).toBeUndefined();
  });

  it('is rejected when the key belongs to a different request', async () => {
    await post('/teams', 'k', team('one'));
    expect(await post('/teams', 'k', team('two'))).toMatchObject({ status: 422 });
    expect(await admin.get(gateway, '/teams/two')).toMatchObject({ status: 404 });
  });

  it('can be sent again with the same key after a rejected attempt', async () => {
    expect(await post('/servers', 'k', { slug: 'one', entry: {} })).toMatchObject({ status: 422 });
    expect(await post('/servers', 'k', { slug: 'two', entry: {} })).toMatchObject({
      status: 422,
      json: { reason: 'entry_invalid' },
    });
    await post('/teams', 't', team('one'));
    expect(await post('/teams', 'again', team('one'))).toMatchObject({ status: 409 });
    const { headers } = await admin.get(gateway, '/teams/one');
    await admin.send(gateway, 'DELETE', '/teams/one', { headers: { 'if-match': headers.get('etag') ?? '' } });
    expect(await post('/teams', 'again', team('one'))).toMatchObject({ status: 201 });
  });

  it('is executed once when it is sent many times concurrently', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('/tokens', 'k', { title: 'one' })));
    const made = answers.filter(({ status }) => status === 201);
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made.map(({ json }) => json['token'])).size).toBe(1);
    for (const { status, headers } of answers.filter((answer) => !made.includes(answer))) {
      expect([status, headers.get('retry-after')]).toEqual([409, '1']);
    }
    expect((await admin.get(gateway, '/tokens')).json['items']).toHaveLength(1);
  });

  it.each(['', 'x'.repeat(256), 'with space', 'a"b'])('is rejected with the invalid key %j', async (key) => {
    expect(await post('/teams', key, team('one'))).toMatchObject({ status: 400 });
  });
});
