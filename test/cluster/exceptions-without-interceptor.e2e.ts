/** @waits */
/** Counter-test: without the interceptor of the inboxes the error of the owner is lost, and the tests of forwarded errors fail. */
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RpcRawClient } from '#lib/testing/raw-client';
import { startRestServer, type RestTestServer } from '#lib/testing/rest-server';
import { AffinityModule, SessionRouter } from '../../src/affinity/index.js';
import { CallsModule } from '../../src/calls/index.js';
import { ConnectionsModule } from '../../src/connections/index.js';
import { TransportModule } from '../../src/transport/index.js';
import { startGatewayPair, type GatewayPair } from '../support/gateway-pair.js';
import { markedCall, ConnectionFaultInjector } from '../support/pool-breaker.js';
import { LegacyClientViaIngress, SseClientViaIngress } from '../support/forwarding-clients.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { REPORTED_CAUSES } from '../support/thrown-causes.js';
import { errorOf } from '../support/answer-checks.js';

/** The metadata keys under which Nest stores the arguments of `@UseInterceptors` and `@Module`. */
const [INTERCEPTORS, CONTROLLERS] = ['__interceptors__', 'controllers'];

const CALL = { name: 'api__object', arguments: {} };

let server: RestTestServer;
let legacyServer: CountingServer;
let pair: GatewayPair;
let legacy: LegacyClientViaIngress;
let sse: SseClientViaIngress;
let breaker: ConnectionFaultInjector;
let plain: RpcRawClient;

/** The controllers without their interceptors, and those interceptors: other files run with the same classes. */
const removed: (readonly [controller: object, interceptors: unknown])[] = [];

function removeInterceptors(): void {
  const controllers = [AffinityModule, CallsModule, ConnectionsModule, TransportModule].flatMap(
    (module) => Reflect.getMetadata(CONTROLLERS, module) as object[],
  );
  for (const controller of controllers) {
    const interceptors: unknown = Reflect.getOwnMetadata(INTERCEPTORS, controller);
    if (Reflect.deleteMetadata(INTERCEPTORS, controller)) removed.push([controller, interceptors]);
  }
}

function restoreInterceptors(): void {
  for (const [controller, interceptors] of removed) Reflect.defineMetadata(INTERCEPTORS, interceptors, controller);
}

beforeAll(async () => {
  removeInterceptors();
  expect(removed.length).toBeGreaterThanOrEqual(3);
  server = await startRestServer();
  legacyServer = await startCountingServer({ era: 'legacy', transport: 'http' });
  const api = { transport: 'rest', url: server.url, tools: { object: { path: '/object' } } };
  pair = await startGatewayPair({ servers: { api, ref: legacyServer.definition } });
  breaker = new ConnectionFaultInjector(pair);
  plain = (await breaker.newClient()).client;
  const options = { token: await pair.token() };
  legacy = new LegacyClientViaIngress(pair.ownerUrl, pair.otherUrl, options);
  sse = new SseClientViaIngress(pair.ownerUrl, pair.otherUrl, options);
  await legacy.connect();
  await sse.connect();
});

afterAll(async () => {
  restoreInterceptors();
  await legacy?.close();
  await sse?.close();
  await breaker?.close();
  await pair?.close();
  await server?.close();
  await legacyServer?.close();
});

/** Makes every call at the owner throw `cause` from now on. */
function breakOwner(cause: unknown): void {
  breaker.setFault({ at: 'calls', cause });
  jest.spyOn(pair.owner.get(SessionRouter, { strict: false }), 'findLocal').mockImplementation(() => {
    throw cause;
  });
}

describe.each(REPORTED_CAUSES)('$name, without an interceptor at the owner', ({ cause, message }) => {
  it.each([
    ['streamable HTTP', () => legacy.request('tools/call', CALL)],
    ['HTTP+SSE', () => sse.request('tools/call', CALL)],
    ['plain JSON-RPC', () => markedCall(plain, 'never')],
  ])('is an internal error over %s that does not contain its message', async (_name, call) => {
    breakOwner(cause);
    const answer = await call();
    // Even without the interceptor the call does not succeed.
    expect(answer.answers).toHaveLength(1);
    expect(errorOf(answer)).toMatchObject({ code: -32_603, message: 'Internal error' });
    expect(errorOf(answer).data).not.toHaveProperty('httpStatus');
    expect(answer.body).not.toContain(message);
  });
});
