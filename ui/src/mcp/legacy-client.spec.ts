import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  recordingOptions,
  replaceEndpoint,
  resultFor,
  toEvent,
  toJson,
  toStream,
  URL_OF_ENDPOINT,
  type ReceivedRequest,
  type Reply,
} from './fake-endpoint-fixture.js';
import { LEGACY_REVISION, LegacyClient } from './legacy-client.js';
import { Declined } from './messages.js';

const ACCEPTED = () => new Response(null, { status: 202 });

/** The method of the message, or the verb of a request without one. */
const nameOf = ({ verb, message: { method } }: ReceivedRequest): string => (typeof method === 'string' ? method : verb);

/** Replaces the endpoint by a server that opens sessions `s1`, `s2`, …, and replies to calls as `onCall` says. */
function replaceServer(onCall: Reply, others: Readonly<Record<string, Reply>> = {}): readonly ReceivedRequest[] {
  let opened = 0;
  const replies: Readonly<Record<string, Reply>> = {
    initialize: (request) => {
      opened += 1;
      const result = { protocolVersion: LEGACY_REVISION, capabilities: { logging: {} } };
      return toJson(resultFor(request, result), 200, { 'mcp-session-id': `s${opened}` });
    },
    'logging/setLevel': (request) => toJson(resultFor(request, {})),
    'tools/call': onCall,
    ...others,
  };
  return replaceEndpoint((request) => (replies[nameOf(request)] ?? ACCEPTED)(request));
}

const methodsOf = (requests: readonly ReceivedRequest[]) =>
  requests.map((request) => ('result' in request.message || 'error' in request.message ? 'answer' : nameOf(request)));

describe('a client of the legacy era', () => {
  afterEach(() => void jest.restoreAllMocks());

  const call = (options = recordingOptions(), own = new LegacyClient(URL_OF_ENDPOINT)) =>
    own.request('tools/call', { name: 'echo' }, options);

  it('opens one session for all calls, and ends it', async () => {
    const own = new LegacyClient(URL_OF_ENDPOINT);
    const requests = replaceServer((request) => toJson(resultFor(request, { ok: true })));
    await call(recordingOptions(), own);
    expect(await call(recordingOptions(), own)).toEqual({ ok: true });
    own.close();
    expect(methodsOf(requests)).toEqual([
      'initialize',
      'notifications/initialized',
      'logging/setLevel',
      'tools/call',
      'tools/call',
      'DELETE',
    ]);
    for (const { headers } of requests.slice(1))
      expect([headers.get('mcp-session-id'), headers.get('mcp-protocol-version')]).toEqual(['s1', LEGACY_REVISION]);
  });

  it('opens another session after one that the gateway no longer knows', async () => {
    const own = new LegacyClient(URL_OF_ENDPOINT);
    replaceServer((request) =>
      request.headers.get('mcp-session-id') === 's1'
        ? toJson({ title: 'Not found' }, 404)
        : toJson(resultFor(request, { ok: true })),
    );
    await expect(call(recordingOptions(), own)).rejects.toMatchObject({ httpStatus: 404 });
    expect(await call(recordingOptions(), own)).toEqual({ ok: true });
  });

  it.each([
    ['an answer', async () => ({ roots: [] }), { result: { roots: [] } }],
    ['a refusal', () => Promise.reject(new Declined('No.')), { error: { code: -1, message: 'No.' } }],
    ['a failure', () => Promise.reject(new Error('Broken.')), { error: { code: -32_603, message: 'Broken.' } }],
  ])('sends %s to a question of the server while the call is open', async (_what, onQuestion, answer) => {
    const own = new LegacyClient(URL_OF_ENDPOINT);
    const question = toEvent({ jsonrpc: '2.0', id: 'q1', method: 'roots/list' });
    const ping = toEvent({ jsonrpc: '2.0', id: 'q2', method: 'ping' });
    let finish: () => void = () => {};
    const requests = replaceServer(
      (request) => {
        const stream = new TransformStream<string, Uint8Array>({
          transform: (text, controller) => controller.enqueue(new TextEncoder().encode(text)),
        });
        const writer = stream.writable.getWriter();
        void writer.write(`${question}\n\n${ping}\n\n`);
        finish = () => void writer.write(`${toEvent(resultFor(request, { ok: true }))}\n\n`).then(() => writer.close());
        return new Response(stream.readable, { headers: { 'content-type': 'text/event-stream' } });
      },
      {
        POST: () => {
          if (methodsOf(requests).filter((method) => method === 'answer').length === 2) finish();
          return ACCEPTED();
        },
      },
    );
    expect(await call(recordingOptions(onQuestion), own)).toEqual({ ok: true });
    const answers = requests.map(({ message }) => message).filter((message) => !('method' in message));
    expect(answers).toEqual(
      expect.arrayContaining([
        { jsonrpc: '2.0', id: 'q1', ...answer },
        { jsonrpc: '2.0', id: 'q2', result: {} },
      ]),
    );
  });

  it('continues a stream that ended before the result after its last event, and leaves no listener behind', async () => {
    const signal = new AbortController().signal;
    const [added, removed] = [jest.spyOn(signal, 'addEventListener'), jest.spyOn(signal, 'removeEventListener')];
    let id: unknown;
    const requests = replaceServer(
      (request) => {
        id = request.message['id'];
        return toStream('id: e1\nretry: 0\ndata:');
      },
      { GET: () => toStream(toEvent({ jsonrpc: '2.0', id, result: { late: true } })) },
    );
    expect(await call(recordingOptions(undefined, signal))).toEqual({ late: true });
    expect(requests.at(-1)?.headers.get('last-event-id')).toBe('e1');
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  });

  it('rejects with an unknown outcome when a stream without events ends without a result', async () => {
    replaceServer(() => toStream());
    await expect(call(recordingOptions())).rejects.toMatchObject({
      outcome: 'unknown',
    });
  });

  it('notifies the server of a cancelled call', async () => {
    const abort = new AbortController();
    const requests = replaceServer(() => {
      abort.abort();
      return toStream('id: e1\ndata:');
    });
    const cancelled = call(recordingOptions(undefined, abort.signal));
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    const id = requests.find(({ message }) => message['method'] === 'tools/call')?.message['id'];
    expect(requests.at(-1)?.message).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: id },
    });
  });
});
