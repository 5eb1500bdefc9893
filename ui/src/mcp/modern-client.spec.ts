import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  errorFor,
  recordingOptions,
  replaceEndpoint,
  resultFor,
  toEvent,
  toJson,
  toStream,
  URL_OF_ENDPOINT,
} from './fake-endpoint-fixture.js';
import { Declined, McpError } from './messages.js';
import { MODERN_REVISION, ModernClient } from './modern-client.js';

const CALL = { name: 'grüße', arguments: {}, _meta: { progressToken: 1 } };
const asks = { resultType: 'input_required', requestState: 'sealed', inputRequests: { who: { method: 'roots/list' } } };

const call = (options = recordingOptions()) => new ModernClient(URL_OF_ENDPOINT).request('tools/call', CALL, options);

describe('a client of the modern era', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('names the method, the tool and itself in each request, and keeps the metadata of the caller', async () => {
    const [options, requests] = [
      recordingOptions(),
      replaceEndpoint((request) => toJson(resultFor(request, { a: 1 }))),
    ];
    expect(await call({ ...options, headers: { 'mcp-param-Region': 'eu' } })).toEqual({ a: 1 });
    const [{ headers, message }] = requests as [(typeof requests)[0]];
    expect(Object.fromEntries(headers)).toMatchObject({
      'mcp-protocol-version': MODERN_REVISION,
      'mcp-method': 'tools/call',
      'mcp-name': '=?base64?Z3LDvMOfZQ==?=',
      'mcp-param-region': 'eu',
    });
    expect(message['params']).toMatchObject({
      _meta: {
        progressToken: 1,
        'io.modelcontextprotocol/protocolVersion': MODERN_REVISION,
        'io.modelcontextprotocol/clientInfo': { name: 'isthmus-admin-page' },
      },
    });
  });

  it('reports notifications before the result of a stream', async () => {
    const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } };
    replaceEndpoint((request) => toStream(toEvent(progress), 'data:', toEvent(resultFor(request, { done: true }))));
    const options = recordingOptions();
    expect(await call(options)).toEqual({ done: true });
    expect(options.notifications).toEqual([{ method: 'notifications/progress', params: { progress: 1 } }]);
    expect(options.messages.map(([direction]) => direction)).toEqual(['sent', 'received', 'received']);
  });

  it('repeats the request with the answers and the state of the server', async () => {
    const requests = replaceEndpoint((request) =>
      toJson(resultFor(request, requests.length === 1 ? asks : { content: [] })),
    );
    expect(await call(recordingOptions(async ({ method }) => ({ answered: method })))).toEqual({ content: [] });
    expect(requests[1]?.message).toMatchObject({
      id: 2,
      params: { name: 'grüße', requestState: 'sealed', inputResponses: { who: { answered: 'roots/list' } } },
    });
  });

  it('rejects when the person declines, and does not repeat the request', async () => {
    const requests = replaceEndpoint((request) => toJson(resultFor(request, asks)));
    await expect(call(recordingOptions(() => Promise.reject(new Declined('No.'))))).rejects.toThrow(Declined);
    expect(requests).toHaveLength(1);
  });

  it('gives up when the server asks again and again', async () => {
    const requests = replaceEndpoint((request) => toJson(resultFor(request, asks)));
    await expect(call(recordingOptions(async () => ({})))).rejects.toThrow('asked 50 times');
    expect(requests).toHaveLength(50);
  });

  it('rejects with the error of the gateway: code, outcome and id of the request', async () => {
    const data = { 'isthmus/source': 'gateway', outcome: 'not_executed', requestId: 'r1' };
    replaceEndpoint((request) => toJson(errorFor(request, { code: -31_008, message: 'Refused.', data }), 400));
    const error = await call().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(McpError);
    expect(error).toMatchObject({
      message: 'Refused.',
      code: -31_008,
      outcome: 'not_executed',
      isFromGateway: true,
      requestId: 'r1',
      httpStatus: 400,
    });
  });

  it.each([
    ['a problem document', () => toJson({ title: 'Forbidden', detail: 'Log in again.' }, 403), 'Log in again.'],
    ['text', () => new Response('<h1>Bad gateway</h1>', { status: 502 }), 'HTTP 502'],
  ])('rejects in the words of %s', async (_what, reply, message) => {
    replaceEndpoint(reply);
    await expect(call()).rejects.toMatchObject({ message, outcome: undefined });
  });

  it('rejects with an unknown outcome when the stream ends without a result', async () => {
    replaceEndpoint(() => toStream(toEvent({ jsonrpc: '2.0', method: 'notifications/message', params: {} })));
    await expect(call()).rejects.toMatchObject({ outcome: 'unknown' });
  });

  it('rejects what is no message of the protocol', async () => {
    replaceEndpoint(() => new Response('[]'));
    await expect(call()).rejects.toThrow('no message of the protocol');
  });
});
