/**
 * The upstream server of every subject. It implements the minimum of both eras on node:http, so that its own cost does
 * not affect the measurement. Endpoints: `/legacy/mcp` (sessions) and `/modern/mcp` (stateless).
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { announcePort } from './announce.js';
import { ANSWER_TEXT, HANG, REVISION, TOOL_NAME, UPSTREAM_PATH, archive } from './workload.js';

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly bytes?: number } };
}

const SERVER_INFO = { name: 'bench-upstream', version: '1.0.0' };
const NO_ARGUMENTS = { type: 'object', properties: {} };
const TOOLS = [
  {
    name: TOOL_NAME,
    description: 'Says what the weather will be.',
    inputSchema: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' }, units: { type: 'string' } },
      required: ['city'],
    },
  },
  {
    name: archive(0).name,
    description: 'Answers at length.',
    inputSchema: { type: 'object', properties: { bytes: { type: 'integer' } }, required: ['bytes'] },
  },
  { name: HANG.name, description: 'Never answers.', inputSchema: NO_ARGUMENTS },
];
const CALL_RESULT = { content: [{ type: 'text', text: ANSWER_TEXT }], isError: false };

// The rest of the answer after the id is the same for every call.
const LEGACY_CALL_TAIL = `,"result":${JSON.stringify(CALL_RESULT)}}`;
const MODERN_CALL_TAIL = `,"result":${JSON.stringify({ resultType: 'complete', ...CALL_RESULT })}}`;

const sessions = new Set<string>();
const archives = new Map<number, string>();

function answerCall(message: Message, response: ServerResponse, tail: string): void {
  const { name, arguments: given } = message.params ?? {};
  if (name === HANG.name) return;
  send(response, 200, message, name === archive(0).name ? archiveTail(given?.bytes ?? 0) : tail);
}

/** Cached by length. */
function archiveTail(bytes: number): string {
  const tail = archives.get(bytes) ?? result({ content: [{ type: 'text', text: textOf(bytes) }], isError: false });
  archives.set(bytes, tail);
  return tail;
}

const textOf = (bytes: number): string =>
  `${ANSWER_TEXT} `.repeat(Math.ceil(bytes / ANSWER_TEXT.length)).slice(0, bytes);

function answerLegacy(message: Message, request: IncomingMessage, response: ServerResponse): void {
  if (message.method === 'initialize') return openSession(message, response);
  const session = request.headers['mcp-session-id'];
  if (typeof session !== 'string' || !sessions.has(session)) return fail(response, 404, message, -32001, 'No session');
  if (message.id === undefined) return empty(response, 202);
  if (message.method === 'tools/call') return answerCall(message, response, LEGACY_CALL_TAIL);
  if (message.method === 'tools/list') return send(response, 200, message, result({ tools: TOOLS }));
  if (message.method === 'ping') return send(response, 200, message, result({}));
  fail(response, 200, message, -32601, 'Method not found');
}

function answerModern(message: Message, _request: IncomingMessage, response: ServerResponse): void {
  if (message.id === undefined) return empty(response, 202);
  if (message.method === 'tools/call') return answerCall(message, response, MODERN_CALL_TAIL);
  if (message.method === 'tools/list') {
    const list = { resultType: 'complete', tools: TOOLS, ttlMs: 3_600_000, cacheScope: 'public' };
    return send(response, 200, message, result(list));
  }
  if (message.method === 'server/discover') return send(response, 200, message, result(discovery()));
  fail(response, 404, message, -32601, 'Method not found');
}

function discovery(): object {
  return {
    resultType: 'complete',
    supportedVersions: [REVISION.modern],
    capabilities: { tools: {} },
    serverInfo: SERVER_INFO,
    ttlMs: 3_600_000,
    cacheScope: 'public',
  };
}

function openSession(message: Message, response: ServerResponse): void {
  const session = randomUUID();
  sessions.add(session);
  response.setHeader('mcp-session-id', session);
  const own = { protocolVersion: REVISION.legacy, capabilities: { tools: {} }, serverInfo: SERVER_INFO };
  send(response, 200, message, result(own));
}

function result(value: object): string {
  return `,"result":${JSON.stringify(value)}}`;
}

function fail(response: ServerResponse, status: number, message: Message, code: number, text: string): void {
  send(response, status, message, `,"error":${JSON.stringify({ code, message: text })}}`);
}

function send(response: ServerResponse, status: number, message: Message, tail: string): void {
  const body = `{"jsonrpc":"2.0","id":${JSON.stringify(message.id ?? null)}${tail}`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function empty(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
}

function endSession(request: IncomingMessage, response: ServerResponse): void {
  sessions.delete(String(request.headers['mcp-session-id']));
  empty(response, 200);
}

const server = createServer((request, response) => {
  const answer =
    request.url === UPSTREAM_PATH.legacy
      ? answerLegacy
      : request.url === UPSTREAM_PATH.modern
        ? answerModern
        : undefined;
  if (answer === undefined) return empty(response, 404);
  if (request.method === 'DELETE') return endSession(request, response);
  if (request.method !== 'POST') return empty(response, 405);
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => answer(JSON.parse(body) as Message, request, response));
});

// Idle connections must stay open between rounds.
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => announcePort(server));
