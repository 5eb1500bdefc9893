/** @waits */
/** Calls without a session run at the worker that has the connection; exceptions there reach the client at the other worker. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RawAnswer, RpcRawClient } from '#lib/testing/raw-client';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { startGatewayPair, type GatewayPair } from '../support/gateway-pair.js';
import { markedCall, ConnectionFaultInjector } from '../support/pool-breaker.js';
import { CONCEALED_CAUSES, REPORTED_CAUSES, type ThrownCause } from '../support/thrown-causes.js';

const CAUSES = [...REPORTED_CAUSES, ...CONCEALED_CAUSES];

let server: CountingServer;
let pair: GatewayPair;
let breaker: ConnectionFaultInjector;
/** A client of a principal whose connections are at the broken worker; calls through the other worker. */
let client: RpcRawClient;

beforeAll(async () => {
  server = await startCountingServer({ era: 'legacy', transport: 'http' });
  pair = await startGatewayPair({ servers: { ref: server.definition } });
  breaker = new ConnectionFaultInjector(pair);
  ({ client } = await breaker.newClient());
});

afterAll(async () => {
  await breaker?.close();
  await pair?.close();
  await server?.close();
});

function expectError(answer: RawAnswer, { code, message, httpStatus, status }: ThrownCause): void {
  const error = { code, message, data: expect.objectContaining({ httpStatus }) };
  expect(answer.answers).toEqual([{ jsonrpc: '2.0', id: answer.id, error }]);
  expect(answer.status).toBe(status);
  expect(answer.body).not.toContain('a secret of ours');
}

describe.each(CAUSES)('$name, thrown at the worker that has the connection', (thrown) => {
  it('during a call, is the answer over plain JSON-RPC', async () => {
    const mark = crypto.randomUUID();
    breaker.setFault({ at: 'calls', cause: thrown.cause });
    expectError(await markedCall(client, mark), thrown);
    breaker.setFault(undefined);
    expect(server.arrivals(mark)).toBe(0);
    const after = crypto.randomUUID();
    expect((await markedCall(client, after)).status).toBe(200);
    expect(server.arrivals(after)).toBe(1);
  });

  it('while connecting, is the answer over plain JSON-RPC', async () => {
    breaker.setFault({ at: 'opening', cause: thrown.cause });
    const { answer } = await breaker.newClient();
    breaker.setFault(undefined);
    expectError(answer, thrown);
    expect(server.duplicates()).toEqual([]);
  });
});
