/** @waits */
/** Every exception at the session owner reaches the client at another worker as an error of the client's transport. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startRestServer, type RestTestServer } from '#lib/testing/rest-server';
import { SessionRouter } from '../../src/affinity/index.js';
import { UpstreamCalls } from '../../src/calls/index.js';
import { startGatewayPair, type GatewayPair } from '../support/gateway-pair.js';
import { LegacyClientViaIngress, SseClientViaIngress } from '../support/forwarding-clients.js';
import { CONCEALED_CAUSES, REPORTED_CAUSES, type ThrownCause } from '../support/thrown-causes.js';
import { errorOf } from '../support/answer-checks.js';

const CAUSES = [...REPORTED_CAUSES, ...CONCEALED_CAUSES];
const CALL = { name: 'api__object', arguments: {} };

let server: RestTestServer;
let pair: GatewayPair;
let legacy: LegacyClientViaIngress;
let sse: SseClientViaIngress;

beforeAll(async () => {
  server = await startRestServer();
  const api = { transport: 'rest', url: server.url, tools: { object: { path: '/object' } } };
  pair = await startGatewayPair({ servers: { api } });
  const options = { token: await pair.token() };
  legacy = new LegacyClientViaIngress(pair.ownerUrl, pair.otherUrl, options);
  sse = new SseClientViaIngress(pair.ownerUrl, pair.otherUrl, options);
  await legacy.connect();
  await sse.connect();
});

afterAll(async () => {
  await legacy?.close();
  await sse?.close();
  await pair?.close();
  await server?.close();
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** Breaks the handler itself, as it looks up the session. */
function breakHandlers(cause: unknown): void {
  jest.spyOn(pair.owner.get(SessionRouter, { strict: false }), 'findLocal').mockImplementation(() => {
    throw cause;
  });
}

/** Breaks a call that the handler awaits, several layers below. */
function breakCalls(cause: unknown): void {
  jest.spyOn(pair.owner.get(UpstreamCalls, { strict: false }), 'runInSession').mockRejectedValue(cause);
}

function errorFor({ code, message, httpStatus }: ThrownCause) {
  return { code, message, data: expect.objectContaining({ httpStatus }) };
}

describe.each(CAUSES)('$name, thrown at the session owner', (thrown) => {
  it.each([
    ['by the handler', breakHandlers],
    ['below the handler', breakCalls],
  ])('is the answer to a POST over streamable HTTP when it is thrown %s', async (_where, breakOwner) => {
    breakOwner(thrown.cause);
    const answer = await legacy.request('tools/call', CALL);
    expect(answer.answers).toEqual([{ jsonrpc: '2.0', id: answer.id, error: errorFor(thrown) }]);
    expect(answer.body).not.toContain('a secret of ours');
  });

  it('is the status of a notification over streamable HTTP, which is not accepted', async () => {
    breakHandlers(thrown.cause);
    const answer = await legacy.post({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' });
    expect(answer.status).toBe(thrown.status);
    expect(errorOf(answer)).toEqual(errorFor(thrown));
  });

  it('is the status of a POST over HTTP+SSE, without a message on the stream', async () => {
    breakHandlers(thrown.cause);
    const answer = await sse.request('tools/call', CALL);
    expect(answer.status).toBe(thrown.status);
    expect(answer.answers).toHaveLength(1);
    expect(errorOf(answer)).toEqual(errorFor(thrown));
    expect(answer.body).not.toContain('a secret of ours');
  });
});

describe('after exceptions at the session owner', () => {
  it('no failed call has reached the server, and no call was answered twice', () => {
    expect(server.runs('/object')).toBe(0);
    expect([...legacy.surplus, ...sse.surplus]).toEqual([]);
  });

  it('both sessions serve calls again', async () => {
    for (const client of [legacy, sse]) {
      const { answers } = await client.request('tools/call', CALL);
      expect(answers).toMatchObject([{ result: { content: [{ type: 'text' }] } }]);
    }
    expect(server.runs('/object')).toBe(2);
  });
});
