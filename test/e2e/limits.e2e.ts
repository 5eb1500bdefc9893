/** Rate and concurrency limits, for clients of every era. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS, type ClientKind } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { answerAll, RepeatingClient } from '../support/repeating-client.js';
import { textOf, type SdkClient } from '../support/sdk-client.js';

let server: ReferenceServer;
let gateway: TestGateway;
const clients: SdkClient[] = [];

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
});

afterAll(() => server.close());

beforeEach(async () => {
  gateway = await startGateway({ servers: { one: { transport: 'http', url: server.url } } });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await gateway.close();
});

async function limit(entry: object): Promise<void> {
  const admin = new AdminClient(gateway, ['admin']);
  expect(await admin.send(gateway, 'POST', '/limits', { body: { slug: 'few', entry } })).toMatchObject({ status: 201 });
}

async function connect(kind: ClientKind, subject = 'ada'): Promise<SdkClient> {
  const client = await kind.connect({
    url: `${gateway.url}/servers/one/${kind.path}`,
    token: await gateway.token({ subject }),
  });
  clients.push(client);
  return client;
}

const echo = async (client: SdkClient, text = 'hi') => textOf(await client.call('echo', { text }));

const REACHED = {
  code: -31_003,
  message: expect.stringMatching(/(Rate|Concurrency) limit few is reached/),
  data: { outcome: 'not_executed', retriable: true, httpStatus: 429, retryAfterMs: expect.any(Number), server: 'one' },
};

describe.each(CLIENTS.filter(({ path }) => path === 'mcp'))('$name at a limit', (kind) => {
  it('receives an error after too many calls, while other callers are served', async () => {
    await limit({ per: ['principal'], rate: '2/1h' });
    const [ada, bob] = [await connect(kind), await connect(kind, 'bob')];
    await echo(ada);
    await echo(ada);
    await expect(ada.call('echo', { text: 'third' })).rejects.toMatchObject(REACHED);
    expect(await echo(bob)).toBe('hi');
    // Requests that use no item are not counted.
    expect(await ada.list('tools')).not.toEqual([]);
  });

  it('receives an error while too many calls run concurrently, and is served when one has ended', async () => {
    await limit({ tools: ['hold', 'release'], concurrency: 1 });
    const client = await connect(kind);
    const { started } = server.calls.of('hold');
    const held = client.call('hold', { key: kind.name });
    await server.calls.until('hold', 'started', started + 1);
    await expect(client.call('hold', { key: 'other' })).rejects.toMatchObject(REACHED);
    expect(await echo(client)).toBe('hi');
    server.world.release(kind.name);
    await held;
    await client.call('release', { key: 'nobody' });
  });
});

describe('a caller over its rate limit', () => {
  it('is answered 429 with Retry-After', async () => {
    await limit({ rate: '1/1m' });
    const post = async () =>
      fetch(`${gateway.url}/servers/one/rpc`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await gateway.token()}` },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'echo', arguments: { text: 'x' } },
        }),
      });
    expect((await post()).status).toBe(200);
    const answer = await post();
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(await answer.json()).toMatchObject({ id: 1, error: REACHED });
  });
});

describe('an admitted call that sends a question to its client', () => {
  it('accepts the answer although the limit admits no more calls', async () => {
    const asking = await startReferenceServer({ era: 'legacy', transport: 'http' });
    const limited = await startGateway({
      servers: { ref: { transport: 'http', url: asking.url } },
      limits: { few: { rate: '1/1h' } },
    });
    const client = new RepeatingClient({ token: await limited.token() });
    const what = { mark: 'one', tool: 'ask_name' };
    const asked = await client.callForInput(limited, what);
    expect(await client.call(limited, what)).toMatchObject({ error: { code: -31_003 } });
    const ada = { action: 'accept', content: { name: 'Ada' } };
    expect(await client.call(limited, what, answerAll(asked, ada))).toMatchObject({
      result: { content: [{ type: 'text', text: 'accept: Ada' }] },
    });
    await client.close();
    await limited.close();
    await asking.close();
  });
});

describe('an entry for a limit', () => {
  it.each([
    [{}, 'concurrency: is missing.'],
    [{ rate: 'often' }, 'rate: must be a number of calls per time window of at most one day, such as 100/1m or 5/s.'],
    [{ rate: '0/1m' }, 'rate: must be a number of calls per time window of at most one day, such as 100/1m or 5/s.'],
    [{ rate: '1/2d' }, 'rate: must be a number of calls per time window of at most one day, such as 100/1m or 5/s.'],
    [{ per: ['planet'], concurrency: 1 }, 'per: must contain only one of principal, team, server or tool.'],
  ])('is rejected when it is %j', async (entry, fault) => {
    const admin = new AdminClient(gateway, ['admin']);
    expect(await admin.send(gateway, 'POST', '/limits', { body: { slug: 'few', entry } })).toMatchObject({
      status: 422,
      json: { errors: [fault] },
    });
  });
});
