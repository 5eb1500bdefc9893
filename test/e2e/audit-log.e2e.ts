import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

const SECRET = 'a-credential-that-stands-in-a-body';
const ENTRY = { transport: 'http', url: 'http://server.example/mcp', headers: { Authorization: SECRET } };

let gateway: TestGateway;
let admin: AdminClient;
let auditor: AdminClient;

beforeEach(async () => {
  gateway = await startGateway({ servers: {} });
  admin = new AdminClient(gateway, ['admin'], 'ada');
  auditor = new AdminClient(gateway, ['auditor'], 'otto');
});

afterEach(() => gateway.close());

const records = async (query = '') => (await auditor.get(gateway, `/audit${query}`)).json['items'] as JsonObject[];

describe('the audit log', () => {
  it('contains every change, failure and rejection, newest first, and no successful read', async () => {
    await admin.send(gateway, 'POST', '/servers?x=y', { body: { slug: 'mine', entry: ENTRY } });
    await admin.send(gateway, 'POST', '/servers', { body: { slug: 'mine', entry: ENTRY } });
    await admin.get(gateway, '/servers');
    await auditor.send(gateway, 'DELETE', '/servers/mine', { headers: { 'if-match': '*' } });
    await fetch(`${gateway.url}/admin/v1/servers`, { headers: { authorization: `Bearer ${SECRET}` } });
    await admin.send(gateway, 'DELETE', '/servers/mine', { headers: { 'if-match': '*' } });
    const found = await records();
    expect(found).toMatchObject([
      {
        subject: 'ada',
        roles: ['admin'],
        method: 'DELETE',
        path: '/admin/v1/servers/mine',
        outcome: 'done',
        status: 204,
      },
      { subject: '', method: 'GET', path: '/admin/v1/servers', outcome: 'refused', status: 401 },
      { subject: 'otto', roles: ['auditor'], method: 'DELETE', outcome: 'refused', status: 403 },
      { subject: 'ada', method: 'POST', outcome: 'failed', status: 409, reason: expect.stringContaining('mine') },
      {
        subject: 'ada',
        method: 'POST',
        path: '/admin/v1/servers',
        made: '/admin/v1/servers/mine',
        outcome: 'done',
        status: 201,
        address: '127.0.0.1',
      },
    ]);
    expect(JSON.stringify(found)).not.toContain(SECRET);
  });

  it('can be filtered by subject, path, method, outcome and time', async () => {
    for (const slug of ['a', 'b', 'c']) await admin.send(gateway, 'POST', '/servers', { body: { slug, entry: ENTRY } });
    await admin.send(gateway, 'POST', '/servers/a/disable');
    expect(await auditor.all(gateway, '/audit', 3)).toHaveLength(4);
    expect(await records('?path=/admin/v1/servers/a')).toMatchObject([
      { path: '/admin/v1/servers/a/disable' },
      { path: '/admin/v1/servers', made: '/admin/v1/servers/a' },
    ]);
    expect(await records('?subject=otto')).toEqual([]);
    expect(await records(`?to=${new Date(0).toISOString()}`)).toEqual([]);
    expect(await records('?method=POST&outcome=done&limit=2')).toHaveLength(2);
    for (const query of ['?outcome=perhaps', '?from=yesterday', '?cursor=x', '?color=red']) {
      expect(await auditor.get(gateway, `/audit${query}`)).toMatchObject({ status: 400 });
    }
  });

  it('is exported completely, one line for each record', async () => {
    const slugs = Array.from({ length: 7 }, (_, index) => `server-${index}`);
    for (const slug of slugs) await admin.send(gateway, 'POST', '/servers', { body: { slug, entry: ENTRY } });
    await admin.send(gateway, 'DELETE', '/servers/none', { headers: { 'if-match': '*' } });
    const token = await gateway.token({ roles: ['auditor'] });
    const url = `${gateway.url}/admin/v1/audit/export?outcome=done`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text()).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as JsonObject)).toHaveLength(slugs.length);
  });

  it('answers 403 to roles that may not read it', async () => {
    for (const path of ['/audit', '/audit/export']) {
      expect(await new AdminClient(gateway, ['operator']).get(gateway, path)).toMatchObject({ status: 403 });
    }
  });
});
