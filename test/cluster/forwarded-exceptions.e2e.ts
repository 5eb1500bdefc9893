/** @waits */
/** Whatever the owner of a session throws, its client at another worker is told, in the words of its transport. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startRestServer, type RestTestServer } from '#lib/testing/rest-server';
import { SessionRouter } from '../../src/affinity/index.js';
import { UpstreamCalls } from '../../src/calls/index.js';
import { startGatewayPair, type GatewayPair } from '../support/gateway-pair.js';
import { LegacyAtOtherDoor, SseAtOtherDoor } from '../support/other-door.js';
import { SECRETIVE_CAUSES, TELLING_CAUSES, type ThrownCause } from '../support/thrown-causes.js';
import { errorOf } from '../support/verdict.js';

const CAUSES = [...TELLING_CAUSES, ...SECRETIVE_CAUSES];
const CALL = { name: 'api__object', arguments: {} };

let server: RestTestServer;
let pair: GatewayPair;
let legacy: LegacyAtOtherDoor;
let sse: SseAtOtherDoor;

beforeAll(async () => {
  server = await startRestServer();
  const api = { transport: 'rest', url: server.url, tools: { object: { path: '/object' } } };
  pair = await startGatewayPair({ servers: { api } });
  const options = { token: await pair.token() };
  legacy = new LegacyAtOtherDoor(pair.ownerUrl, pair.otherUrl, options);
  sse = new SseAtOtherDoor(pair.ownerUrl, pair.otherUrl, options);
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

/** The handler itself, as it looks for the session. */
function breakHandlers(cause: unknown): void {
  jest.spyOn(pair.owner.get(SessionRouter, { strict: false }), 'findLocal').mockImplementation(() => {
    throw cause;
  });
}

/** What the handler waits for, deep below it. */
function breakCalls(cause: unknown): void {
  jest.spyOn(pair.owner.get(UpstreamCalls, { strict: false }), 'runInSession').mockRejectedValue(cause);
}

function errorFor({ code, message, httpStatus }: ThrownCause) {
  return { code, message, data: expect.objectContaining({ httpStatus }) };
}

describe.each(CAUSES)('$name, thrown at the owner', (thrown) => {
  it.each([
    ['by the handler', breakHandlers],
    ['by what the handler waits for', breakCalls],
  ])('%s, is the answer to a POST over streamable HTTP', async (_where, breakOwner) => {
    breakOwner(thrown.cause);
    const answer = await legacy.request('tools/call', CALL);
    expect(answer.answers).toEqual([{ jsonrpc: '2.0', id: answer.id, error: errorFor(thrown) }]);
    expect(answer.body).not.toContain('a secret of ours');
  });

  it('refuses a notification over streamable HTTP with its status: it was not accepted', async () => {
    breakHandlers(thrown.cause);
    const answer = await legacy.post({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' });
    expect(answer.status).toBe(thrown.status);
    expect(errorOf(answer)).toEqual(errorFor(thrown));
  });

  it('refuses a POST over HTTP+SSE with its status: nothing will come on the stream', async () => {
    breakHandlers(thrown.cause);
    const answer = await sse.request('tools/call', CALL);
    expect(answer.status).toBe(thrown.status);
    expect(answer.answers).toHaveLength(1);
    expect(errorOf(answer)).toEqual(errorFor(thrown));
    expect(answer.body).not.toContain('a secret of ours');
  });
});

describe('after all of that', () => {
  it('no call ever reached the server, and no answer came twice', () => {
    expect(server.runs('/object')).toBe(0);
    expect([...legacy.surplus, ...sse.surplus]).toEqual([]);
  });

  it('both sessions serve again', async () => {
    for (const client of [legacy, sse]) {
      const { answers } = await client.request('tools/call', CALL);
      expect(answers).toMatchObject([{ result: { content: [{ type: 'text' }] } }]);
    }
    expect(server.runs('/object')).toBe(2);
  });
});
