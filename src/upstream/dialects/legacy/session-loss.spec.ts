import { describe, expect, it } from '@jest/globals';
import { endsSession } from './session-loss.js';

const answer = (status: number, body: unknown) => ({
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const error = (id: unknown, code: number, message: string) => ({ jsonrpc: '2.0', id, error: { code, message } });

describe('endsSession', () => {
  it.each([
    [404, ''],
    [404, 'Not Found'],
    [404, '<h1>Not Found</h1>'],
    [404, error(null, -32001, 'Session not found')],
    [404, error(7, -32001, 'Session not found')],
    [404, error(7, -32600, 'Unknown session ID')],
    [404, error('server-error', -32600, 'Not Found: Session has been terminated')],
    [404, error('server-error', -32600, 'Session not found')],
    [404, { error: { message: 'Invalid session id.' } }],
    [404, { code: -32603, message: 'Session not found: 4f2c' }],
    [404, 'Session terminated'],
    [410, 'Session expired'],
    [400, error(null, -32000, 'Bad Request: No valid session ID provided')],
    [400, error(7, -32000, 'Bad Request: No valid session ID provided')],
    [400, error('', -32000, 'Bad Request: No valid session ID or not an initialize request')],
    [400, error(null, -32000, 'Bad Request: Server not initialized')],
    [400, error(7, -32000, 'Bad Request: Server not initialized')],
    [400, error(null, -32000, 'Bad Request: Mcp-Session-Id header is required')],
    [400, error(7, -32000, 'Bad Request: Mcp-Session-Id header is required')],
    [400, error(null, -32000, 'Bad Request: Unknown Mcp-Session-Id header')],
    [400, error(null, -32600, 'Bad Request: Missing session ID')],
    [400, error(null, -32600, 'Session not found')],
    [400, error(7, -32001, 'Session not found')],
    [400, error(null, -32000, 'Session "4f2c" not found or expired')],
    [400, { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid or expired session' } }],
    [400, { error: 'Missing session ID' }],
    [400, { message: 'Session ID missing' }],
    [400, 'Invalid session ID'],
    [400, 'Invalid or missing session ID'],
    [400, 'Bad Request: No valid session ID provided'],
    [400, 'No transport found for sessionId'],
    [401, 'Unauthorized: Session not found'],
    [403, { error: 'Unknown MCP session' }],
    [422, 'Unexpected message, expect initialize request'],
    [500, { error: 'Error POSTing to endpoint (HTTP 400): Bad Request: No valid session ID provided' }],
    [503, error(null, -32001, 'Service Unavailable: MCP session is unknown or expired on this API instance')],
    [200, error(7, -32001, 'Session not found')],
    [200, error(7, -32000, 'Bad Request: Server not initialized')],
    [200, { error: 'Session not found' }],
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
    [400, error(7, -32602, 'Invalid session id in the arguments')],
    [400, error(7, -32602, 'The browser session 4f2c was not found')],
    [400, error(9, -32000, 'Session not found')],
    [400, error(null, -32600, 'The session is busy')],
    [400, error(null, -32700, 'Parse error in session/update')],
    [400, error(null, -32600, 'Malformed')],
    [400, 'No session'],
    [401, { error: 'invalid_token' }],
    [500, error(null, -32000, 'Session store down')],
    [500, 'The session expired while the tool ran'],
    [502, 'Bad Gateway'],
    [503, error(7, -32001, 'Browser session expired')],
    [200, error(7, -32001, 'Session not found: 4f2c')],
    [200, error(7, -32602, 'Session not found')],
    [200, error(7, -32603, 'Browser not initialized')],
    [200, { jsonrpc: '2.0', id: 7, result: { content: [{ type: 'text', text: 'Session not found' }] } }],
  ])('does not treat status %d with body %j as the end of the session', (status, body) => {
    expect(endsSession(answer(status, body), 7)).toBe(false);
  });
});
