import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Outcome } from '#lib/mcp-protocol';
import type { RestServer } from '../../registry/index.js';
import { ConnectorHarness, httpServer, NEVER, RecordedReply, toolCall, toResultText } from './connector-fixture.js';
import {
  answerLegacyHandshake,
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedServer,
} from './scripted-server.js';

type Encode = (bytes: Buffer) => Buffer;

const CODINGS: readonly (readonly [string, Encode])[] = [
  ['gzip', zlib.gzipSync],
  ['x-gzip', zlib.gzipSync],
  ['deflate', zlib.deflateSync],
  ['Deflate', zlib.deflateRawSync],
  ['br', zlib.brotliCompressSync],
  ['gzip, br', (bytes) => zlib.brotliCompressSync(zlib.gzipSync(bytes))],
  ['identity', (bytes) => bytes],
  ['', (bytes) => bytes],
  // Node 20 has no zstd.
  ...(zlib.zstdCompressSync === undefined ? [] : [['zstd', (bytes: Buffer) => zlib.zstdCompressSync(bytes)] as const]),
];

const TEXT = 'Grüße 🙂 '.repeat(5_000);
const JSON_TYPE = 'application/json';
const EVENTS = 'text/event-stream';

const answerTo = ({ message }: ReceivedRequest, text = TEXT): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: message['id'], result: { content: [{ type: 'text', text }] } }));
const progress = (step: number): string =>
  `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'p', progress: step } })}\n\n`;

let server: ScriptedServer;
let bench: ConnectorHarness;

beforeEach(async () => {
  bench = new ConnectorHarness({ maxMessageBytes: 1_500_000 });
  server = await startScriptedServer((visit) => visit.empty(500));
});

afterEach(async () => {
  await bench.close();
  await server.close();
});

/** Writes an encoded body in pieces of odd sizes. */
function write({ response }: ReceivedRequest, type: string, coding: string, body: Buffer, status = 200): void {
  response.writeHead(status, { 'content-type': type, 'content-encoding': coding });
  for (let start = 0; start < body.length; start += 997) response.write(body.subarray(start, start + 997));
  response.end();
}

/** Calls a tool of a legacy server. The handshake is not encoded. */
async function call(answer: (visit: ReceivedRequest) => void, reply = new RecordedReply()): Promise<Outcome> {
  server.setScript((visit) => {
    if (visit.message['method'] === 'tools/call') answer(visit);
    else answerLegacyHandshake(visit);
  });
  const connection = await bench.open(httpServer(server.url));
  return connection.request({ ...toolCall('any'), progressToken: 'mine' }, reply, NEVER);
}

/** Calls an endpoint of a REST server. */
async function get(answer: (visit: ReceivedRequest) => void): Promise<Outcome> {
  server.setScript(answer);
  const { slug, enabled, allowUnknownMethods, tasks, public: isPublic, timeouts, url } = httpServer(server.url);
  const common = { slug, enabled, allowUnknownMethods, tasks, public: isPublic, timeouts, url, headers: {} };
  const tools = [{ name: 'any', method: 'GET' as const, path: '/any', inputSchema: { type: 'object' } }];
  const definition: RestServer = { ...common, transport: 'rest', tools };
  return (await bench.open(definition)).request(toolCall('any'), new RecordedReply(), NEVER);
}

const unknown = (message: RegExp) => ({
  error: { code: -31_005, message: expect.stringMatching(message), data: { outcome: 'unknown' } },
});

describe.each(CODINGS)('an answer with the content encoding %j', (coding, encode) => {
  it('is decoded when it is JSON', async () => {
    expect(toResultText(await call((visit) => write(visit, JSON_TYPE, coding, encode(answerTo(visit)))))).toBe(TEXT);
  });

  it('is decoded when it is an event stream', async () => {
    const reply = new RecordedReply();
    const outcome = await call((visit) => {
      const events = [1, 2, 3].map(progress).join('').replaceAll('"p"', JSON.stringify(visit.message['id']));
      write(visit, EVENTS, coding, encode(Buffer.from(`${events}data: ${answerTo(visit).toString()}\n\n`)));
    }, reply);
    expect(toResultText(outcome)).toBe(TEXT);
    expect(reply.notifications.map(({ params }) => params['progress'])).toEqual([1, 2, 3]);
  });

  it('is decoded when it is the answer of a REST tool', async () => {
    const body = Buffer.from(JSON.stringify({ text: TEXT }));
    const outcome = await get((visit) => write(visit, JSON_TYPE, coding, encode(body)));
    expect(outcome).toMatchObject({ result: { structuredContent: { text: TEXT } } });
  });

  it('is decoded when it refuses a call', async () => {
    const refused = await call(({ message, ...visit }) => {
      const error = { jsonrpc: '2.0', id: message['id'], error: { code: -32_002, message: 'No such resource' } };
      write({ message, ...visit }, JSON_TYPE, coding, encode(Buffer.from(JSON.stringify(error))), 404);
    });
    expect(refused).toMatchObject({ error: { code: -32_002, message: 'No such resource' } });
  });
});

describe('an encoded answer', () => {
  it('of an event stream delivers each event once the server flushes it', async () => {
    const [first, rest] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const reply = new RecordedReply(undefined, () => first.resolve());
    const outcome = call((visit) => {
      visit.response.writeHead(200, { 'content-type': EVENTS, 'content-encoding': 'gzip' });
      const gzip = zlib.createGzip();
      gzip.pipe(visit.response);
      gzip.write(progress(1).replaceAll('"p"', JSON.stringify(visit.message['id'])));
      gzip.flush();
      void rest.promise.then(() => gzip.end(`data: ${answerTo(visit, 'done').toString()}\n\n`));
    }, reply);
    await first.promise;
    rest.resolve();
    expect(toResultText(await outcome)).toBe('done');
  });

  it('of an event stream stops while its reader is slow, and goes on', async () => {
    const reader = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<void>();
    const reply = new RecordedReply(undefined, () => {
      seen.resolve();
      return reader.promise;
    });
    const outcome = call((visit) => {
      const noise = Array.from({ length: 200 }, () => `: ${randomBytes(2_048).toString('hex')}\n\n`).join('');
      const one = progress(1).replaceAll('"p"', JSON.stringify(visit.message['id']));
      const body = `${one}${noise}${one}data: ${answerTo(visit, 'done').toString()}\n\n`;
      write(visit, EVENTS, 'gzip', zlib.gzipSync(body));
    }, reply);
    await seen.promise;
    expect(reply.notifications).toHaveLength(1);
    reader.resolve();
    expect(toResultText(await outcome)).toBe('done');
    expect(reply.notifications).toHaveLength(2);
  });

  it.each([
    ['is cut short', (bytes: Buffer) => zlib.gzipSync(bytes).subarray(0, -10), /cut short/],
    ['is not what it says', () => Buffer.from('not compressed at all'), /cannot be decoded: its gzip data is invalid/],
    ['exceeds the limit once decoded', () => zlib.gzipSync(randomBytes(800_000).toString('hex')), /too large/],
    ['grows beyond measure', () => zlib.gzipSync(Buffer.alloc(1_400_000, 'x')), /compressed beyond measure/],
  ])('that %s makes the outcome unknown, and the error says so', async (_what, encode, message) => {
    const asJson = await call((visit) => write(visit, JSON_TYPE, 'gzip', encode(answerTo(visit))));
    expect(asJson).toMatchObject(unknown(message));
    const asBody = await get((visit) => write(visit, 'text/plain', 'gzip', encode(Buffer.from(TEXT))));
    expect(asBody).toMatchObject(unknown(message));
  });

  it('with an encoding that the gateway does not know makes the outcome unknown, and the error names it', async () => {
    const message = /cannot be decoded: its content encoding is compress\.$/;
    expect(await call((visit) => write(visit, JSON_TYPE, 'compress', answerTo(visit)))).toMatchObject(unknown(message));
    expect(await get((visit) => write(visit, JSON_TYPE, 'compress', Buffer.from('{}')))).toMatchObject(
      unknown(message),
    );
    const tooMany = 'gzip, gzip, gzip, gzip';
    expect(await call((visit) => write(visit, JSON_TYPE, tooMany, answerTo(visit)))).toMatchObject(
      unknown(/gzip, gzip/),
    );
  });

  it('without a body is one', async () => {
    const outcome = await get((visit) => write(visit, JSON_TYPE, 'gzip', Buffer.alloc(0)));
    expect(outcome).toMatchObject({ result: { content: [{ text: '' }] } });
  });
});

describe('the Accept-Encoding of requests', () => {
  it('is identity for an MCP server, because compressed event streams arrive late', async () => {
    await call((visit) => write(visit, JSON_TYPE, 'identity', answerTo(visit)));
    expect(new Set(server.requests.map(({ headers }) => headers['accept-encoding']))).toEqual(new Set(['identity']));
  });

  it('names what can be decoded for a REST server', async () => {
    await get((visit) => visit.json({}));
    expect(server.requests.at(-1)?.headers['accept-encoding']).toMatch(/^gzip, deflate, br(?:, zstd)?$/);
  });
});
