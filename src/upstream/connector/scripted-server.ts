import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { LATEST_LEGACY_REVISION, LATEST_MODERN_REVISION, type JsonObject } from '#lib/mcp-protocol';

/** One HTTP request that a scripted server received, and the methods to answer it. */
export interface ReceivedRequest {
  readonly httpMethod: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** The JSON-RPC message; an empty object without a body. */
  readonly message: JsonObject;
  readonly response: ServerResponse;
  json(body: unknown, status?: number, headers?: Record<string, string>): void;
  /** Answers this request with a result. */
  result(result: JsonObject, headers?: Record<string, string>): void;
  /** Begins an event stream. */
  stream(): EventWriter;
  empty(status: number): void;
}

export interface EventWriter {
  /** Returns false when the reader is slower than the writer. */
  send(message: unknown, id?: string, type?: string): boolean;
  end(): void;
  readonly closed: Promise<void>;
}

/** A server whose answers are defined by a test. */
export interface ScriptedServer {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Replaces the script. */
  setScript(script: (visit: ReceivedRequest) => void): void;
  /** Resolves with the first matching request, past or future. */
  waitForRequest(matches: (visit: ReceivedRequest) => boolean): Promise<ReceivedRequest>;
  close(): Promise<void>;
}

export async function startScriptedServer(script: (visit: ReceivedRequest) => void): Promise<ScriptedServer> {
  let currentScript = script;
  const visits: ReceivedRequest[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const visit = toReceivedRequest(request, response, body);
      visits.push(visit);
      currentScript(visit);
      for (const wake of waiting) wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests: visits,
    setScript: (next) => {
      currentScript = next;
    },
    waitForRequest: (matches) => waitForFirst(visits, matches, waiting),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function waitForFirst(
  visits: readonly ReceivedRequest[],
  matches: (visit: ReceivedRequest) => boolean,
  waiting: Set<() => void>,
): Promise<ReceivedRequest> {
  return new Promise((resolve) => {
    const check = (): void => {
      const found = visits.find(matches);
      if (found === undefined) return;
      waiting.delete(check);
      resolve(found);
    };
    waiting.add(check);
    check();
  });
}

function toReceivedRequest(request: IncomingMessage, response: ServerResponse, body: string): ReceivedRequest {
  const message = (body === '' ? {} : JSON.parse(body)) as JsonObject;
  const json: ReceivedRequest['json'] = (answer, status = 200, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(answer));
  };
  return {
    httpMethod: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    message,
    response,
    json,
    result: (result, headers) => json({ jsonrpc: '2.0', id: message['id'], result }, 200, headers),
    stream: () => openEventStream(response),
    empty: (status) => void response.writeHead(status).end(),
  };
}

function openEventStream(response: ServerResponse): EventWriter {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  return {
    send: (message, id, type) => {
      const data = typeof message === 'string' ? message : JSON.stringify(message);
      const lines = [...(type === undefined ? [] : [`event: ${type}`]), ...(id === undefined ? [] : [`id: ${id}`])];
      return response.write(`${[...lines, `data: ${data}`].join('\n')}\n\n`);
    },
    end: () => void response.end(),
    closed: new Promise((resolve) => response.once('close', resolve)),
  };
}

/**
 * Answers a legacy handshake with a session, and messages without an answer with 202. Returns false for other requests.
 */
export function answerLegacyHandshake(
  visit: ReceivedRequest,
  capabilities: JsonObject = { tools: {} },
  session: string | null = 's1',
): boolean {
  const { method, id } = visit.message;
  if (method === 'server/discover') visit.empty(404);
  else if (method === 'initialize') {
    const result = {
      protocolVersion: LATEST_LEGACY_REVISION,
      capabilities,
      serverInfo: { name: 'scripted', version: '1' },
    };
    visit.result(result, session === null ? {} : { 'mcp-session-id': session });
  } else if (visit.httpMethod === 'GET' && visit.headers['last-event-id'] === undefined) visit.empty(405);
  else if (visit.httpMethod === 'DELETE') visit.empty(200);
  else if (visit.httpMethod === 'POST' && (id === undefined || method === undefined)) visit.empty(202);
  else return false;
  return true;
}

/** Answers discovery of the modern era. Returns false for other requests. */
export function answerDiscovery(visit: ReceivedRequest, capabilities: JsonObject = { tools: {} }): boolean {
  if (visit.message['method'] !== 'server/discover') return false;
  visit.result({ resultType: 'complete', supportedVersions: [LATEST_MODERN_REVISION], capabilities });
  return true;
}
