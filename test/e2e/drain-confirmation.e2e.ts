import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

let gateway: TestGateway;
let operator: AdminClient;

beforeEach(async () => {
  gateway = await startGateway({ servers: {} });
  operator = new AdminClient(gateway, ['operator']);
});

afterEach(() => gateway.close());

it('draining the only worker over the admin API is refused without a confirmation, and the gateway keeps serving', async () => {
  const [worker] = (await operator.get(gateway, '/workers')).json['items'] as JsonObject[];
  const drain = `/workers/${worker?.['id'] as string}/drain`;
  expect(await operator.send(gateway, 'POST', drain)).toMatchObject({
    status: 409,
    json: { reason: 'confirmation_required', detail: expect.stringContaining('?confirm=only-worker') },
  });
  expect(await operator.send(gateway, 'POST', `${drain}?confirm=yes`)).toMatchObject({ status: 400 });
  expect(await operator.get(gateway, '/workers')).toMatchObject({ json: { items: [{ isLeaving: false }] } });
  expect(await operator.send(gateway, 'POST', `${drain}?confirm=only-worker`)).toMatchObject({ status: 202 });
});
