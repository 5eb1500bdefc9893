import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../test/support/http-world.js';

const A = '/servers/a/mcp';
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } };
const PROGRESS = { method: 'notifications/progress', params: { progress: 1 } };
/** Such a token has expired and is accepted for another second or two, because clocks differ. */
const EXPIRING_SECONDS = -3;

let world: HttpWorld;
let answer: PromiseWithResolvers<Outcome>;

beforeEach(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a')]);
  answer = Promise.withResolvers();
  world.connector.respond = async ({ request, reply }) => {
    if (request.method !== 'tools/call') return result({});
    await reply.notify(PROGRESS);
    return answer.promise;
  };
});

afterEach(() => world.close());

const expiringToken = async () => ({ authorization: `Bearer ${await world.issueToken(EXPIRING_SECONDS)}` });

/** Resolves when a server stream that was opened with the token has ended. */
async function untilExpired(token: { readonly authorization: string }): Promise<void> {
  const headers = { ...(await world.session(A)), ...token };
  await (await world.stream('GET', A, { headers })).rest();
}

describe('when the token of a stream expires', () => {
  it('ends the server stream of a legacy session, which continues with another token', async () => {
    const session = await world.session(A);
    const token = await expiringToken();
    const stream = await world.stream('GET', A, { headers: { ...session, ...token } });
    expect(stream.response.status).toBe(200);
    await stream.rest();
    expect((await world.request('GET', A, { headers: { ...session, ...token } })).status).toBe(401);
    const again = await world.stream('GET', A, { headers: session });
    expect(again.response.status).toBe(200);
    await again.cancel();
  });

  it('ends a modern subscription with its result', async () => {
    const { message, headers } = modern(7, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
    const token = await expiringToken();
    const stream = await world.stream('POST', A, { headers: { ...headers, ...token } }, message);
    const messages = await stream.rest();
    expect(messages.at(-1)).toMatchObject({ id: 7, result: {} });
    expect((await world.request('POST', A, { headers: { ...headers, ...token } }, message)).status).toBe(401);
  });

  it('answers the calls of an HTTP+SSE client, accepts no more, and ends its stream', async () => {
    const token = await expiringToken();
    const stream = await world.stream('GET', '/servers/a/sse', { headers: token });
    const path = (await stream.next())?.data ?? '';
    expect((await world.post(path, CALL)).status).toBe(202);
    await untilExpired(await expiringToken());
    expect((await world.post(path, { ...CALL, id: 2 })).status).toBe(404);
    answer.resolve(result({ content: [] }));
    const answers = (await stream.rest()).filter(({ id }) => id !== undefined);
    expect(answers).toMatchObject([{ id: 1, result: { content: [] } }]);
    expect((await world.post(path, { ...CALL, id: 3 })).status).toBe(404);
  });

  it.each<[string, (token: Record<string, string>) => Promise<[Record<string, string>, JsonObject]>]>([
    ['legacy', async (token) => [{ ...(await world.session(A)), ...token }, CALL]],
    [
      'modern',
      async (token) => {
        const { headers, message } = modern(1, 'tools/call', { name: 'x' });
        return [{ ...headers, ...token }, message];
      },
    ],
  ])('does not end the stream of a %s call that was admitted before', async (_era, toRequest) => {
    const token = await expiringToken();
    const [headers, message] = await toRequest(token);
    const stream = await world.stream('POST', A, { headers }, message);
    await stream.message();
    await untilExpired(token);
    answer.resolve(result({ content: [] }));
    expect((await stream.rest()).at(-1)).toMatchObject({ id: 1, result: { content: [] } });
  });

  it('does not end the stream of a token that is valid for longer', async () => {
    const session = await world.session(A);
    const stream = await world.stream('GET', A, { headers: session });
    await untilExpired(await expiringToken());
    const end = stream.rest().then(() => 'ended');
    expect(await Promise.race([end, Promise.resolve('open')])).toBe('open');
    await world.request('DELETE', A, { headers: session });
    expect(await end).toBe('ended');
  });
});
