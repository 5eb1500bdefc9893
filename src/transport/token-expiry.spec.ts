import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import type { EventReader } from '../../test/support/event-reader.js';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../test/support/http-world.js';

const A = '/servers/a/mcp';
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } };
const PROGRESS = { method: 'notifications/progress', params: { progress: 1 } };
const HOUR = 3_600;
/** For this time after its expiry a token is still accepted, because clocks differ. */
const CLOCK_SKEW_SECONDS = 5;

let world: HttpWorld;
let answer: PromiseWithResolvers<Outcome>;
/** A token that expires in an hour. The token of the world's own requests is not affected. */
let token: { readonly authorization: string };

beforeEach(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a')]);
  token = { authorization: `Bearer ${await world.issueToken(HOUR)}` };
  answer = Promise.withResolvers();
  world.connector.respond = async ({ request, reply }) => {
    if (request.method !== 'tools/call') return result({});
    await reply.notify(PROGRESS);
    return answer.promise;
  };
});

afterEach(() => world.close());

/** Lets time pass until this number of seconds after the expiry of the token. */
async function passExpiry(seconds = CLOCK_SKEW_SECONDS + 2): Promise<void> {
  world.expiryClock.stall((HOUR + seconds) * 1_000);
  await world.expiryClock.advance(1_000);
}

/** True if the stream is still open when the gateway has answered another request. */
async function isOpen(stream: EventReader): Promise<boolean> {
  const ended = stream.rest().then(() => false);
  const pinged = world.post('/rpc', { jsonrpc: '2.0', id: 1, method: 'ping' }).then(() => true);
  return Promise.race([ended, pinged]);
}

describe('when the token of a stream expires', () => {
  it('ends the server stream of a legacy session, which continues with another token', async () => {
    const session = await world.session(A);
    const stream = await world.stream('GET', A, { headers: { ...session, ...token } });
    await passExpiry();
    await stream.rest();
    const again = await world.stream('GET', A, { headers: session });
    expect(again.response.status).toBe(200);
    await again.cancel();
  });

  it('does not end a stream while its token is still accepted for other requests', async () => {
    const session = await world.session(A);
    const stream = await world.stream('GET', A, { headers: { ...session, ...token } });
    await passExpiry(CLOCK_SKEW_SECONDS - 4);
    expect(await isOpen(stream)).toBe(true);
  });

  it('ends a modern subscription with its result', async () => {
    const { message, headers } = modern(7, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
    const stream = await world.stream('POST', A, { headers: { ...headers, ...token } }, message);
    await stream.message();
    await passExpiry();
    expect(await stream.rest()).toMatchObject([{ id: 7, result: {} }]);
  });

  it('answers the calls of an HTTP+SSE client, accepts no more, and ends its stream', async () => {
    const stream = await world.stream('GET', '/servers/a/sse', { headers: token });
    const path = (await stream.next())?.data ?? '';
    expect((await world.post(path, CALL)).status).toBe(202);
    await passExpiry();
    expect((await world.post(path, { ...CALL, id: 2 })).status).toBe(404);
    answer.resolve(result({ content: [] }));
    const answers = (await stream.rest()).filter(({ id }) => id !== undefined);
    expect(answers).toMatchObject([{ id: 1, result: { content: [] } }]);
    expect((await world.post(path, { ...CALL, id: 3 })).status).toBe(404);
  });

  it.each<[string, () => Promise<[Record<string, string>, JsonObject]>]>([
    ['legacy', async () => [await world.session(A), CALL]],
    [
      'modern',
      async () => {
        const { headers, message } = modern(1, 'tools/call', { name: 'x' });
        return [headers, message];
      },
    ],
  ])('does not end the stream of a %s call that was admitted before', async (_era, toRequest) => {
    const [headers, message] = await toRequest();
    const stream = await world.stream('POST', A, { headers: { ...headers, ...token } }, message);
    await stream.message();
    await passExpiry();
    answer.resolve(result({ content: [] }));
    expect((await stream.rest()).at(-1)).toMatchObject({ id: 1, result: { content: [] } });
  });

  it('does not end the rest of a call’s stream that the client resumed with this token', async () => {
    const session = await world.session(A);
    const first = await world.stream('POST', A, { headers: session }, CALL);
    const opened = await first.next();
    const headers = { ...session, ...token, 'last-event-id': opened?.id ?? '' };
    const resumed = await world.stream('GET', A, { headers });
    await passExpiry();
    answer.resolve(result({ content: [] }));
    expect((await resumed.rest()).at(-1)).toMatchObject({ id: 1, result: { content: [] } });
  });

  it('does not end the stream of a token that is valid for longer', async () => {
    const longer = { authorization: `Bearer ${await world.issueToken(2 * HOUR)}` };
    const stream = await world.stream('GET', A, { headers: { ...(await world.session(A)), ...longer } });
    const other = await world.stream('GET', A, { headers: { ...(await world.session(A)), ...token } });
    await passExpiry();
    await other.rest();
    expect(await isOpen(stream)).toBe(true);
  });
});
