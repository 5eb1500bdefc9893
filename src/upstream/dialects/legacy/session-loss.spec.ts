import { describe, expect, it } from '@jest/globals';
import { endsSession, speaksOfLostSession } from './session-loss.js';

const answer = (status: number, body: unknown) => ({
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const error = (id: unknown, code: number, message: string) => ({ jsonrpc: '2.0', id, error: { code, message } });

describe('a refusal with a session id', () => {
  it.each([
    [404, ''],
    [404, 'Not Found'],
    [404, error(null, -32001, 'Session not found')],
    [404, error(7, -32001, 'Session not found')],
    [400, error(null, -32000, 'Bad Request: No valid session ID provided')],
    [400, error(null, -32000, 'Bad Request: Server not initialized')],
  ])('%d %j ends the session', (status, body) => {
    expect(endsSession(answer(status, body), 7)).toBe(true);
  });

  it.each([
    [404, error(7, -32601, 'Method not found')],
    [400, error(7, -32600, 'No session parameter in the arguments')],
    [400, error(null, -32600, 'Malformed')],
    [400, 'No session'],
    [500, error(null, -32000, 'Session store down')],
  ])('%d %j does not', (status, body) => {
    expect(endsSession(answer(status, body), 7)).toBe(false);
  });

  it('over HTTP+SSE ends it when it says so; there a 404 may be about the address', () => {
    expect(speaksOfLostSession(answer(404, error(null, -32001, 'Session not found')), 7)).toBe(true);
    expect(speaksOfLostSession(answer(404, 'Not Found'), 7)).toBe(false);
  });
});
