import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ServerCredentials } from '@grpc/grpc-js';
import { SystemClock } from 'isthmus/extension-kit';
import { startGateway, upstreamAdapterContract, type TestGateway } from 'isthmus/testing';
import { GrpcAdapter } from '../src/grpc-adapter.js';
import { AcmeModule } from '../src/acme.module.js';
import type { GrpcEntry } from '../src/grpc-entry.js';
import { CERTIFICATE, ORDERS_HOST, PRIVATE_KEY } from './orders-certificate.js';
import { ORDERS_PROTO, startOrdersService, type OrdersService } from './orders-service.js';

const BADGE = 'acme-badge-7f3a91c2d4';

let orders: OrdersService;
before(async () => {
  orders = await startOrdersService();
});
after(() => orders.close());

const toEntry = (port: number, more: Partial<GrpcEntry> = {}): GrpcEntry => ({
  host: '127.0.0.1',
  port,
  proto: ORDERS_PROTO,
  service: 'acme.orders.Orders',
  tls: false,
  ...more,
});

describe('GrpcAdapter', () => {
  for (const { name, run } of upstreamAdapterContract({
    adapter: () => new GrpcAdapter(),
    entry: () => toEntry(orders.port),
    unreachable: () => toEntry(9),
    connectMs: 1_000,
    tool: { name: 'Find', arguments: { id: '7' } },
    silentTool: { name: 'Find', arguments: { id: 'never' } },
  }))
    it(name, run);
});

/** Connects as the gateway does, to a name that only tests resolve. */
const connect = (entry: GrpcEntry, closed: (reason: string) => void = () => undefined) =>
  new GrpcAdapter().connect(
    { slug: 'orders', entry, timeouts: { connectMs: 2_000, requestMs: 2_000 } },
    {
      client: { revision: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
      events: { notify: () => undefined, closed },
      clock: new SystemClock(),
      signal: new AbortController().signal,
      resolveAddress: async () => '127.0.0.1',
    },
  );

it('reports that the service has ended the connection, and not that the gateway has closed it', async () => {
  const ending = await startOrdersService();
  const reasons: string[] = [];
  const closedHere = await connect(toEntry(ending.port), (reason) => reasons.push(`closed here: ${reason}`));
  await closedHere.close();
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const connection = await connect(toEntry(ending.port), resolve);
  ending.close();
  assert.equal(await ended, 'the service has ended the connection');
  assert.deepEqual(reasons, []);
  await connection.close();
});

describe('a service with TLS', () => {
  let folder: string;
  let secured: OrdersService;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-'));
    await writeFile(join(folder, 'authorities.pem'), CERTIFICATE);
    const pair = { cert_chain: Buffer.from(CERTIFICATE), private_key: Buffer.from(PRIVATE_KEY) };
    secured = await startOrdersService(ServerCredentials.createSsl(null, [pair]));
  });
  after(async () => {
    secured.close();
    await rm(folder, { recursive: true });
  });
  const securedEntry = (host: string) =>
    toEntry(secured.port, { host, tls: true, authorities: join(folder, 'authorities.pem') });

  it('is connected to if its certificate is that of the host of the entry, whatever its address', async () => {
    await (await connect(securedEntry(ORDERS_HOST))).close();
  });

  it('is not connected to with the certificate of another host', async () => {
    await assert.rejects(connect(securedEntry('payments.acme.example')));
  });
});

describe('an order service behind the gateway', () => {
  let gateway: TestGateway;
  before(async () => {
    const entry = toEntry(orders.port, { token: 'sesame-of-the-orders' });
    const servers = { orders: { transport: 'grpc', ...entry, timeouts: { request: '500ms' } } };
    gateway = await startGateway({ servers, extensions: [AcmeModule] });
  });
  after(() => gateway.close());

  async function call(name: string, args: object): Promise<Record<string, any>> {
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: `orders__${name}`, arguments: args } };
    const headers = { authorization: `Bearer ${BADGE}`, 'content-type': 'application/json' };
    const answer = await fetch(`${gateway.url}/rpc`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, any>;
  }

  it('offers its methods as tools, and passes its token on', async () => {
    const { result } = await call('Find', { id: '7' });
    assert.deepEqual(result.structuredContent, { id: '7', state: 'open', items: 2, notes: [] });
    assert.equal(orders.tokens.at(-1), 'Bearer sesame-of-the-orders');
  });

  it('reports what the service refuses as an error of the tool', async () => {
    const { result } = await call('Find', { id: '8' });
    assert.equal(result.isError, true);
    assert.equal(result.content[0].text, 'NOT_FOUND: no order 8');
  });

  it('reports what the service has no capacity for as an error of the tool, and an answer that is too long as unknown', async () => {
    const { result } = await call('Find', { id: 'busy' });
    assert.equal(result.content[0].text, 'RESOURCE_EXHAUSTED: too many orders today');
    const { error } = await call('Find', { id: 'long' });
    assert.equal(error.data.outcome, 'unknown');
  });

  it('reports a call that the service does not answer as unknown', async () => {
    const { error } = await call('Find', { id: 'never' });
    assert.equal(error.data.outcome, 'unknown');
  });
});
