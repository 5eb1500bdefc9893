/** @waits */
/** Calls without a session go to the worker that has the connection: what is thrown there is told here. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RawAnswer, RpcRawClient } from '#lib/testing/raw-client';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { startGatewayPair, type GatewayPair } from '../support/gateway-pair.js';
import { markedCall, PoolBreaker } from '../support/pool-breaker.js';
import { SECRETIVE_CAUSES, TELLING_CAUSES, type ThrownCause } from '../support/thrown-causes.js';

const CAUSES = [...TELLING_CAUSES, ...SECRETIVE_CAUSES];

let server: CountingServer;
let pair: GatewayPair;
let breaker: PoolBreaker;
/** Of a principal whose connections are at the broken worker; asks the other one. */
let client: RpcRawClient;

beforeAll(async () => {
  server = await startCountingServer({ era: 'legacy', transport: 'http' });
  pair = await startGatewayPair({ servers: { ref: server.definition } });
  breaker = new PoolBreaker(pair);
  ({ client } = await breaker.newClient());
});

afterAll(async () => {
  await breaker?.close();
  await pair?.close();
  await server?.close();
});

function expectTold(answer: RawAnswer, { code, message, httpStatus, status }: ThrownCause): void {
  const error = { code, message, data: expect.objectContaining({ httpStatus }) };
  expect(answer.answers).toEqual([{ jsonrpc: '2.0', id: answer.id, error }]);
  expect(answer.status).toBe(status);
  expect(answer.body).not.toContain('a secret of ours');
}

describe.each(CAUSES)('$name, thrown at the worker that has the connection', (thrown) => {
  it('while it calls, is the answer over plain JSON-RPC', async () => {
    const mark = crypto.randomUUID();
    breaker.break({ at: 'calls', cause: thrown.cause });
    expectTold(await markedCall(client, mark), thrown);
    breaker.break(undefined);
    expect(server.arrivals(mark)).toBe(0);
    const after = crypto.randomUUID();
    expect((await markedCall(client, after)).status).toBe(200);
    expect(server.arrivals(after)).toBe(1);
  });

  it('while it connects, is the answer too', async () => {
    breaker.break({ at: 'opening', cause: thrown.cause });
    const { answer } = await breaker.newClient();
    breaker.break(undefined);
    expectTold(answer, thrown);
    expect(server.duplicates()).toEqual([]);
  });
});
