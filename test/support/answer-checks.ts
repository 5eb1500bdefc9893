import { expect } from '@jest/globals';
import { isJsonObject, type JsonObject, type RpcError } from '#lib/mcp-protocol';
import type { Expectation, ExpectedError } from '#lib/testing/hostile-server';
import type { ClientTransport, RawAnswer } from '#lib/testing/raw-client';

/** HTTP status of each gateway error on transports that do not fix it (docs/errors.md). */
const STATUS_BY_CODE: Readonly<Record<number, number>> = { [-31002]: 504, [-31004]: 502, [-31005]: 502 };

const MCP_STATUS: Readonly<Record<ClientTransport, number | undefined>> = {
  legacy: 200,
  modern: 200,
  sse: 202,
  rpc: undefined,
};

export function errorOf(answer: RawAnswer): RpcError {
  return answer.answers[0]?.['error'] as unknown as RpcError;
}

/** The part of an answer that is the same for every client: without ids and the name of the server. */
export function comparableAnswer(answer: RawAnswer): JsonObject {
  const [message = {}] = answer.answers;
  const error = isJsonObject(message['error']) ? message['error'] : undefined;
  if (error === undefined) return { content: (message['result'] as JsonObject | undefined)?.['content'] };
  if (!isJsonObject(error['data'])) return error;
  const { requestId: _id, server: _server, retryAfterMs: _delay, ...data } = error['data'];
  return { ...error, data };
}

function expectError(error: RpcError, expected: ExpectedError): void {
  expect(error.code).toBe(expected.code);
  if (expected.message instanceof RegExp) expect(error.message).toMatch(expected.message);
  else if (expected.message !== undefined) expect(error.message).toBe(expected.message);
  const data = error.data as JsonObject;
  for (const [member, value] of Object.entries(expected.data ?? {})) {
    if (value instanceof RegExp) expect(data[member]).toEqual(expect.stringMatching(value));
    else expect({ [member]: data[member] }).toEqual({ [member]: value });
  }
  for (const member of expected.withoutData ?? []) expect(data).not.toHaveProperty([member]);
  for (const text of expected.never ?? []) expect(`${error.message}${JSON.stringify(data)}`).not.toContain(text);
}

/** Expects that a gateway error states the outcome of the call and whether it is retriable. */
function expectGatewayErrorData(error: RpcError): void {
  if (error.code > -31000 || error.code < -31099) return;
  expect(error.data).toMatchObject({
    'isthmus/source': 'gateway',
    outcome: expect.stringMatching(/^(not_executed|executed|unknown)$/),
    retriable: expect.any(Boolean),
    requestId: expect.anything(),
    server: expect.any(String),
  });
  expect(`${error.message}${JSON.stringify(error.data)}`).not.toMatch(/\bat .+:\d+:\d+|node_modules|Bearer [\w-]+\./);
}

/** Expects exactly one answer with the request's id that matches the table. */
export function expectAnswer(answer: RawAnswer, transport: ClientTransport, expected: Expectation): void {
  expect(answer.answers).toHaveLength(1);
  const [message = {}] = answer.answers;
  expect(message['id']).toBe(answer.id);
  expect(message['jsonrpc']).toBe('2.0');
  expect('result' in message !== 'error' in message).toBe(true);
  if (expected.kind === 'result') {
    expect(message['result']).toMatchObject({ content: [{ type: 'text', text: expected.text }] });
    expect(answer.status).toBe(MCP_STATUS[transport] ?? 200);
    return;
  }
  expect(message['result']).toBeUndefined();
  const error = errorOf(answer);
  expectError(error, (transport === 'modern' && expected.toModern) || expected);
  expectGatewayErrorData(error);
  // The specification of 2026 requires an HTTP status for this error (basic/index, Error Codes).
  const isCapability = transport === 'modern' && error.code === -32_021;
  const status = isCapability ? 400 : (MCP_STATUS[transport] ?? STATUS_BY_CODE[error.code]);
  if (status !== undefined) expect(answer.status).toBe(status);
}
