/** @waits */
/** Without the interceptor that stands before the inboxes what an owner throws is lost: the tests of it would see that. */
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RpcRawClient } from '#lib/testing/raw-client';
import { startRestServer, type RestTestServer } from '#lib/testing/rest-server';
import { AffinityModule, SessionRouter } from '../../src/affinity/index.js';
import { CallsModule } from '../../src/calls/index.js';
import { ConnectionsModule } from '../../src/connections/index.js';
import { TransportModule } from '../../src/transport/index.js';
import { startGatewayPair, type GatewayPair } from '../support/gateway-pair.js';
import { markedCall, PoolBreaker } from '../support/pool-breaker.js';
import { LegacyAtOtherDoor, SseAtOtherDoor } from '../support/other-door.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { TELLING_CAUSES } from '../support/thrown-causes.js';
import { errorOf } from '../support/verdict.js';

/** Where Nest keeps what `@UseInterceptors` and `@Module` were given. */
const [INTERCEPTORS, CONTROLLERS] = ['__interceptors__', 'controllers'];

const CALL = { name: 'api__object', arguments: {} };

let server: RestTestServer;
let legacyServer: CountingServer;
let pair: GatewayPair;
let legacy: LegacyAtOtherDoor;
let sse: SseAtOtherDoor;
let breaker: PoolBreaker;
let plain: RpcRawClient;

/** For good: this file has classes of its own. Says from how many it took something. */
function disarm(): number {
  const controllers = [AffinityModule, CallsModule, ConnectionsModule, TransportModule].flatMap(
    (module) => Reflect.getMetadata(CONTROLLERS, module) as object[],
  );
  return controllers.filter((controller) => Reflect.deleteMetadata(INTERCEPTORS, controller)).length;
}

beforeAll(async () => {
  expect(disarm()).toBeGreaterThanOrEqual(3);
  server = await startRestServer();
  legacyServer = await startCountingServer({ era: 'legacy', transport: 'http' });
  const api = { transport: 'rest', url: server.url, tools: { object: { path: '/object' } } };
  pair = await startGatewayPair({ servers: { api, ref: legacyServer.definition } });
  breaker = new PoolBreaker(pair);
  plain = (await breaker.newClient()).client;
  const options = { token: await pair.token() };
  legacy = new LegacyAtOtherDoor(pair.ownerUrl, pair.otherUrl, options);
  sse = new SseAtOtherDoor(pair.ownerUrl, pair.otherUrl, options);
  await legacy.connect();
  await sse.connect();
});

afterAll(async () => {
  await legacy?.close();
  await sse?.close();
  await breaker?.close();
  await pair?.close();
  await server?.close();
  await legacyServer?.close();
});

/** What the owner throws from now on, whoever asks. */
function breakOwner(cause: unknown): void {
  breaker.break({ at: 'calls', cause });
  jest.spyOn(pair.owner.get(SessionRouter, { strict: false }), 'findLocal').mockImplementation(() => {
    throw cause;
  });
}

describe.each(TELLING_CAUSES)('$name, with nobody before the handlers', ({ cause, message }) => {
  it.each([
    ['streamable HTTP', () => legacy.request('tools/call', CALL)],
    ['HTTP+SSE', () => sse.request('tools/call', CALL)],
    ['plain JSON-RPC', () => markedCall(plain, 'never')],
  ])('is a failure over %s that says nothing', async (_name, call) => {
    breakOwner(cause);
    const answer = await call();
    // Even then it is no success.
    expect(answer.answers).toHaveLength(1);
    expect(errorOf(answer)).toMatchObject({ code: -32_603, message: 'Internal error' });
    expect(errorOf(answer).data).not.toHaveProperty('httpStatus');
    expect(answer.body).not.toContain(message);
  });
});
