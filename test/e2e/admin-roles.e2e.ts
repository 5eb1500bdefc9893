/** Every route of the admin API, for every role and every kind of token. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { AdminClient } from '../support/admin-client.js';
import { openApiOf, operationsIn, type AdminOperation } from '../support/admin-operations.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

const ROLES = ['admin', 'operator', 'auditor', 'user', 'nobody'];
const NO_ROLE = 403;
const NO_TOKEN = 401;

let gateway: TestGateway;
let operations: readonly AdminOperation[];

beforeAll(async () => {
  // Every route is called with invalid tokens, from one address.
  gateway = await startGateway({ servers: {}, env: { ISTHMUS_MAX_FAILED_AUTHENTICATIONS: '100000' } });
  operations = operationsIn(await openApiOf(new AdminClient(gateway, ['admin']), gateway));
});

afterAll(() => gateway?.close());

/** Addresses a missing entry with an empty body, so that it changes nothing. */
async function statusOf({ verb, path }: AdminOperation, authorization?: string): Promise<number> {
  const answer = await fetch(`${gateway.url}/admin/v1${path.replaceAll(/\{\w+\}/g, 'nothing')}`, {
    method: verb,
    headers: { ...(authorization !== undefined && { authorization }), 'content-type': 'application/json' },
    ...(verb !== 'GET' && { body: '{}' }),
  });
  // An event stream does not end by itself.
  if (answer.headers.get('content-type') === 'text/event-stream') await answer.body?.cancel();
  else await answer.arrayBuffer();
  return answer.status;
}

/** Sends the head of a request and never its body. */
async function statusWithoutBody(authorization: string): Promise<number | undefined> {
  const headers = { authorization, 'content-type': 'application/json', 'content-length': '1000' };
  const request = httpRequest(`${gateway.url}/admin/v1/teams`, { method: 'POST', headers });
  request.flushHeaders();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  request.on('error', () => undefined).destroy();
  return response.statusCode;
}

const nameOf = ({ verb, path }: AdminOperation) => `${verb} ${path}`;

describe('every route of the admin API', () => {
  it.each(ROLES)('admits role %s only where its documentation lists the role', async (role) => {
    const token = await gateway.token({ roles: [role] });
    const wrong: string[] = [];
    for (const operation of operations) {
      const status = await statusOf(operation, `Bearer ${token}`);
      const isIn = status !== NO_ROLE && status !== NO_TOKEN;
      if (isIn !== operation.roles.includes(role) || status >= 500) wrong.push(`${nameOf(operation)}: ${status}`);
    }
    expect(operations.length).toBeGreaterThan(30);
    expect(wrong).toEqual([]);
  });

  it('answers 401 without a valid token', async () => {
    const foreign = await new SignJWT({ roles: ['admin'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('isthmus')
      .setAudience('isthmus')
      .setSubject('mallory')
      .setExpirationTime('1h')
      .sign(createSecretKey(randomBytes(32)));
    const good = await gateway.token({ roles: ['admin'] });
    const tokens = {
      missing: undefined,
      empty: 'Bearer ',
      malformed: 'Bearer nonsense',
      foreign: `Bearer ${foreign}`,
      altered: `Bearer ${good.slice(0, -2)}xx`,
      expired: `Bearer ${await gateway.token({ roles: ['admin'], expiresInSeconds: -60 })}`,
      'of another audience': `Bearer ${await gateway.token({ roles: ['admin'], audience: 'another-service' })}`,
      'of another scheme': `Basic ${Buffer.from('admin:admin').toString('base64')}`,
      'unknown personal': `Bearer isthmus_pat_${'0'.repeat(24)}_${'A'.repeat(43)}`,
    };
    const wrong: string[] = [];
    for (const [kind, token] of Object.entries(tokens)) {
      for (const operation of operations) {
        const status = await statusOf(operation, token);
        if (status !== NO_TOKEN) wrong.push(`${nameOf(operation)} with a token that is ${kind}: ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('answers 401 before it reads the request body', async () => {
    expect(await statusWithoutBody('Bearer nonsense')).toBe(NO_TOKEN);
    expect(await statusWithoutBody(`Bearer ${await gateway.token({ roles: ['nobody'] })}`)).toBe(NO_ROLE);
  });
});
