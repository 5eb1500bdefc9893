/** What expires soon, over the admin API. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

const bearer = (issued: string, expires: string, more: object = {}) => ({
  transport: 'http',
  url: 'http://127.0.0.1:9/mcp',
  headers: { authorization: `Bearer ${new UnsecuredJWT({}).setIssuedAt(issued).setExpirationTime(expires).encode()}` },
  ...more,
});

describe('the list of credentials that expire soon', () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startGateway({
      servers: {
        fresh: bearer('1m ago', '1h from now'),
        worn: bearer('1h ago', '5m from now'),
        expired: bearer('2h ago', '1h ago'),
        far: bearer('365d ago', '30d from now'),
        off: bearer('2h ago', '1h ago', { enabled: false }),
        plain: { transport: 'http', url: 'http://127.0.0.1:9/mcp', headers: { authorization: 'Bearer abc' } },
      },
    });
  });

  afterAll(() => gateway.close());

  it('names servers by their tokens, the first to expire first, and shows no credential', async () => {
    const { json } = await new AdminClient(gateway, ['operator']).get(gateway, '/expiring-credentials');
    expect(json).toEqual({
      items: [
        { kind: 'server', id: 'expired', expiresAt: expect.any(String) },
        { kind: 'server', id: 'worn', expiresAt: expect.any(String) },
      ],
    });
  });
});
