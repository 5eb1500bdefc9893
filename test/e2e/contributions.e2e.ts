import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import {
  CallRecordSink,
  GatewayError,
  HandlesMethod,
  OnGatewayEvent,
  SinksCallRecords,
  VendorMethodHandler,
  type CallRecord,
  type GatewayEvent,
  type JsonObject,
  type VendorRequest,
} from '#lib/extension-kit';
import { startGateway, startToolServer, type TestGateway, type ToolServer } from '#lib/testing/kit';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport } from '#lib/testing/raw-client';
import { until } from '../support/until.js';

const records: CallRecord[] = [];
const events: GatewayEvent[] = [];
const requests: VendorRequest[] = [];

@SinksCallRecords()
class KeepsRecords extends CallRecordSink {
  override record(record: CallRecord): void {
    records.push(record);
  }
}

@SinksCallRecords({ order: -1 })
class BrokenSink extends CallRecordSink {
  override record(record: CallRecord): void {
    (record as { outcome: string }).outcome = 'unknown';
  }
}

@Injectable()
class KeepsEvents {
  @OnGatewayEvent(
    'server.added',
    'server.removed',
    'tools.changed',
    'session.opened',
    'session.ended',
    'call.ended',
    'admin.changed',
  )
  keep(event: GatewayEvent): void {
    events.push(event);
  }
}

@HandlesMethod('acme/quota')
class Quota extends VendorMethodHandler {
  override handle(request: VendorRequest): JsonObject {
    requests.push(request);
    return { left: 7, of: request.params['of'] ?? null };
  }
}

@HandlesMethod('acme/refuse')
class Refusing extends VendorMethodHandler {
  override handle(): never {
    throw new GatewayError(-32_042, 'The quota is used up.', 429, { outcome: 'not_executed', retriable: true });
  }
}

@HandlesMethod('acme/crash')
class Crashing extends VendorMethodHandler {
  override handle(): never {
    throw new Error('secret');
  }
}

@HandlesMethod('acme/number')
class Numeric extends VendorMethodHandler {
  override handle(): JsonObject {
    return 7 as unknown as JsonObject;
  }
}

@HandlesMethod('acme/hang', { deadlineMs: 20 })
class Hanging extends VendorMethodHandler {
  override handle(): Promise<JsonObject> {
    return new Promise(() => undefined);
  }
}

@Module({ providers: [KeepsRecords, BrokenSink, KeepsEvents, Quota, Refusing, Crashing, Numeric, Hanging] })
class Acme {}

let bank: ToolServer;
let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  bank = await startToolServer({ pay: { run: ({ amount }) => `paid ${JSON.stringify(amount)}` } });
  gateway = await startGateway({
    env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' },
    servers: { bank: { transport: 'http', url: bank.url, allowUnknownMethods: true } },
    extensions: [Acme],
  });
  token = await gateway.token({ roles: ['admin'] });
});

afterAll(async () => {
  await gateway.close();
  await bank.close();
});

beforeEach(() => {
  for (const kept of [records, events, requests]) kept.length = 0;
});

async function send(transport: ClientTransport, path: string, method: string, params: JsonObject = {}) {
  const client = rawClient(transport, `${gateway.url}${path}`, { token });
  try {
    await client.connect();
    const { answers } = await client.request(method, params);
    return answers[0];
  } finally {
    await client.close();
  }
}

const eventsOf = (type: GatewayEvent['type']) => events.filter((event) => event.type === type);

describe.each(CLIENT_TRANSPORTS)('a method of an extension, for a client of %s', (transport) => {
  it.each(['', '/servers/bank'])('is answered by the extension at the endpoint "%s"', async (path) => {
    expect(await send(transport, path, 'acme/quota', { of: 'ada' })).toMatchObject({
      result: { left: 7, of: 'ada' },
    });
    const era = transport === 'modern' ? 'modern' : 'legacy';
    expect(requests).toMatchObject([
      {
        method: 'acme/quota',
        endpoint: path === '' ? 'default' : 'bank',
        caller: { principal: { subject: 'tester' } },
      },
    ]);
    if (transport !== 'rpc') expect(requests[0]?.client.era).toBe(era);
    await until(() => records.some(({ method }) => method === 'acme/quota'));
    expect(records.find(({ method }) => method === 'acme/quota')).toMatchObject({
      outcome: 'executed',
      code: undefined,
    });
  });
});

describe('a method of an extension that fails', () => {
  it('is answered with the error that it throws', async () => {
    expect(await send('legacy', '', 'acme/refuse')).toMatchObject({
      error: { code: -32_042, message: 'The quota is used up.', data: { outcome: 'not_executed' } },
    });
    await until(() => records.some(({ method }) => method === 'acme/refuse'));
    expect(records.find(({ method }) => method === 'acme/refuse')).toMatchObject({
      outcome: 'not_executed',
      code: -32_042,
    });
  });

  it.each([
    ['acme/crash', 'Crashing'],
    ['acme/number', 'Numeric'],
    ['acme/hang', 'Hanging'],
  ])('is answered with an internal error that names the extension: %s', async (method, name) => {
    const message = `The extension ${name} of the gateway failed. Whether the request had an effect is unknown.`;
    const answer = await send('modern', '', method);
    expect(answer).toMatchObject({ error: { code: -32_603, message, data: { outcome: 'unknown' } } });
    expect(JSON.stringify(answer)).not.toContain('secret');
    await until(() => records.some((record) => record.method === method));
    expect(records.find((record) => record.method === method)).toMatchObject({ outcome: 'unknown', code: -32_603 });
  });

  it.each([
    ['tools/run', 'whose prefix is reserved for the protocol'],
    ['quota', 'which is no method of a vendor'],
    ['acme/ü', 'which is no method of a vendor'],
  ])('prevents the start if it is %s', async (method, reason) => {
    @HandlesMethod(method)
    class Wrong extends Quota {}
    @Module({ providers: [Wrong] })
    class Faulty {}
    await expect(startGateway({ extensions: [Faulty] })).rejects.toThrow(
      `Wrong of the module Faulty, marked with @HandlesMethod, handles "${method}", ${reason}`,
    );
  });

  it('prevents the start if two extensions handle it', async () => {
    @HandlesMethod('acme/quota')
    class Second extends Quota {}
    @Module({ providers: [Second] })
    class Faulty {}
    await expect(startGateway({ extensions: [Acme, Faulty] })).rejects.toThrow(
      'Quota of the module Acme, marked with @HandlesMethod, handles "acme/quota", which Second of the module Faulty handles, too.',
    );
  });
});

describe('a sink of an extension', () => {
  it('receives the record of a call without arguments, although another sink fails', async () => {
    await send('modern', '', 'tools/call', { name: 'bank__pay', arguments: { amount: 4711.0815 } });
    await until(() => records.some(({ item }) => item === 'pay'));
    const record = records.find(({ item }) => item === 'pay');
    expect(record).toMatchObject({
      method: 'tools/call',
      server: 'bank',
      outcome: 'executed',
      principal: { subject: 'tester' },
    });
    expect(JSON.stringify(record)).not.toContain('4711.0815');
    expect([record, record?.principal, record?.teams].every((part) => Object.isFrozen(part))).toBe(true);
  });
});

describe('events', () => {
  it('tell of sessions and calls', async () => {
    await send('legacy', '/servers/bank', 'tools/call', { name: 'pay', arguments: { amount: 4711.0815 } });
    await until(() => eventsOf('session.ended').length > 0);
    const [opened, ended] = [eventsOf('session.opened')[0], eventsOf('session.ended')[0]];
    expect(opened?.data).toMatchObject({ endpoint: 'bank', principal: expect.stringContaining('tester') });
    expect(ended?.data).toMatchObject({ ...opened?.data, durationMs: expect.any(Number) });
    const call = eventsOf('call.ended').find(({ data }) => 'item' in data && data.item === 'pay');
    expect(call?.data).toMatchObject({ server: 'bank', session: opened?.occurrence });
    expect(JSON.stringify(events)).not.toContain('4711.0815');
  });

  it('tell of tools, changes of admins, and servers', async () => {
    const change = (method: string, path: string, body?: object, etag = '') =>
      fetch(`${gateway.url}/admin/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'if-match': etag },
        ...(body && { body: JSON.stringify(body) }),
      });
    const shop = await startToolServer({ buy: { run: () => 'bought' } });
    try {
      const created = await change('POST', '/servers', { slug: 'shop', entry: { transport: 'http', url: shop.url } });
      expect(created.status).toBe(201);
      await until(() => eventsOf('server.added').length > 0);
      await send('modern', '/servers/shop', 'tools/list');
      await until(() => eventsOf('tools.changed').length > 0);
      expect((await change('DELETE', '/servers/shop', undefined, created.headers.get('etag') ?? '')).status).toBe(204);
      await until(() => eventsOf('server.removed').length > 0);
    } finally {
      await shop.close();
    }
    expect(eventsOf('server.added')[0]?.data).toEqual({ server: 'shop' });
    expect(eventsOf('server.removed')[0]?.data).toEqual({ server: 'shop' });
    expect(eventsOf('tools.changed')[0]?.data).toEqual({ server: 'shop', added: ['buy'], changed: [] });
    expect(eventsOf('admin.changed')[0]?.data).toMatchObject({
      subject: 'tester',
      method: 'POST',
      path: '/admin/v1/servers',
      outcome: 'done',
      status: 201,
    });
  });
});
