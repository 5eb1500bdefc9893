/** The stream of live figures, with two workers and a real Redis. @waits */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EventReader } from '../support/event-reader.js';
import { startGatewayPair, type GatewayPair } from '../support/gateway-pair.js';

interface Figures {
  readonly calls: { readonly refused: number; readonly perSecond: number };
  readonly workers: { readonly serving: number };
}

let pair: GatewayPair;

beforeAll(async () => {
  pair = await startGatewayPair({ servers: {} });
});

afterAll(() => pair?.close());

const toFigures = (data = ''): Figures => JSON.parse(data) as Figures;

it('shows the calls of every worker, and ends with the session of its listener', async () => {
  const token = await pair.token({ roles: ['auditor'] });
  const login = await fetch(`${pair.ownerUrl}/admin/ui/session`, {
    method: 'POST',
    headers: { origin: pair.ownerUrl, 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const stream = new EventReader(await fetch(`${pair.otherUrl}/admin/v1/live`, { headers: { cookie } }));
  expect(toFigures((await stream.next())?.data)).toMatchObject({ workers: { serving: 2 }, calls: { refused: 0 } });

  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'no-such-tool' } };
  await fetch(`${pair.ownerUrl}/rpc`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(call),
  });
  let figures = toFigures((await stream.next())?.data);
  while (figures.calls.refused === 0) figures = toFigures((await stream.next())?.data);
  expect(figures.calls).toMatchObject({ refused: 1, perSecond: expect.any(Number) });

  const headers = { cookie, origin: pair.ownerUrl };
  await fetch(`${pair.ownerUrl}/admin/ui/session`, { method: 'DELETE', headers });
  await stream.rest();
});
