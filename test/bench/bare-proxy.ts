/**
 * The yardstick: a reverse proxy that only moves bytes. node:http before, an undici pool behind, streaming both ways,
 * nothing parsed, no authentication. The upstream's origin is its only argument.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { announcePort } from './announce.js';

// Hop-by-hop fields (RFC 9110, 7.6.1) belong to one connection each; the pool writes its own host and framing.
const HOP_BY_HOP = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Writes the upstream's answer to the client as it comes; a full client socket pauses the upstream's. */
class Relay implements Dispatcher.DispatchHandler {
  private status = 0;

  constructor(private readonly client: ServerResponse) {}

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.client.on('drain', () => controller.resume());
    this.client.on('close', () => {
      if (!this.client.writableFinished) controller.abort(new Error('The client left.'));
    });
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    this.status = status;
    this.client.writeHead(status, endToEnd(controller.rawHeaders));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.client.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.client.end();
  }

  onResponseError(): void {
    if (this.status !== 0) return void this.client.destroy();
    this.client.writeHead(502, { 'content-length': 0 });
    this.client.end();
  }
}

function endToEnd(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  const kept: string[] = [];
  if (!Array.isArray(raw)) return kept;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = String(raw[at]);
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, String(raw[at + 1]));
  }
  return kept;
}

const origin = process.argv[2];
if (origin === undefined) throw new Error('Say which origin to forward to.');
const pool = new Pool(origin, { connections: 256, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });

function forward(request: IncomingMessage, response: ServerResponse): void {
  const { method = 'GET', url: path = '/' } = request;
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  pool.dispatch(
    { method, path, headers: endToEnd(request.rawHeaders), body: hasBody ? request : null },
    new Relay(response),
  );
}

const server = createServer(forward);
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => announcePort(server));
