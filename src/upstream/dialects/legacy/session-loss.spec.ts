import { describe, expect, it } from '@jest/globals';
import { endsSession, reportsLostSession } from './session-loss.js';

const answer = (status: number, body: unknown) => ({
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const error = (id: unknown, code: number, message: string) => ({ jsonrpc: '2.0', id, error: { code, message } });

describe('endsSession', () => {
  it.each([
    [404, ''],
    [404, 'Not Found'],
    [404, error(null, -32001, 'Session not found')],
    [404, error(7, -32001, 'Session not found')],
    [400, error(null, -32000, 'Bad Request: No valid session ID provided')],
    [404, error(7, -32600, 'Unknown session ID')],
    [404, error('server-error', -32600, 'Not Found: Session has been terminated')],
    [400, error(null, -32000, 'Bad Request: Server not initialized')],
    [400, error(null, -32000, 'Bad Request: Mcp-Session-Id header is required')],
    [400, error(null, -32600, 'Bad Request: Missing session ID')],
    [400, error(null, -32000, 'Session "4f2c" not found or expired')],
    [400, { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid or expired session' } }],
  ])('treats status %d with body %j as the end of the session', (status, body) => {
    expect(endsSession(answer(status, body), 7)).toBe(true);
  });

  it.each([
    [404, error(7, -32601, 'Method not found')],
    [404, error(7, -32002, 'Resource not found')],
    [404, error(7, -32002, 'Resource session://4f2c not found')],
    [404, error(7, -32602, 'Unknown tool; list the tools of this session')],
    [404, error(7, -32602, 'No tool named session_list')],
    [404, { jsonrpc: '2.0', id: 7, result: {} }],
    [400, error(7, -32600, 'No session parameter in the arguments')],
    [400, error(9, -32000, 'Session not found')],
    [400, error(null, -32600, 'The session is busy')],
    [400, error(null, -32700, 'Parse error in session/update')],
    [400, error(null, -32600, 'Malformed')],
    [400, 'No session'],
    [500, error(null, -32000, 'Session store down')],
  ])('does not treat status %d with body %j as the end of the session', (status, body) => {
    expect(endsSession(answer(status, body), 7)).toBe(false);
  });

  it('reportsLostSession ignores a bare 404, which over HTTP+SSE may concern the endpoint', () => {
    expect(reportsLostSession(answer(404, error(null, -32001, 'Session not found')), 7)).toBe(true);
    expect(reportsLostSession(answer(404, 'Not Found'), 7)).toBe(false);
  });
});
