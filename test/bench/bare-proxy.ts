/**
 * The baseline: a reverse proxy that only forwards bytes. It uses node:http and an undici pool, streams both ways,
 * parses nothing and has no authentication. Its only argument is the upstream's origin.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { announcePort } from './announce.js';

// Hop-by-hop fields (RFC 9110, 7.6.1) are not forwarded; the pool writes its own host and framing.
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

/** Streams the upstream's answer to the client. A full client socket pauses the upstream. */
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
if (origin === undefined) throw new Error('Pass the origin of the upstream as the argument.');
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
