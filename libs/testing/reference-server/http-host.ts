import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves the HTTP requests of one transport. */
export interface Endpoint {
  readonly openSessions: number;
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Ends all sessions like a restart: later requests with their ids are answered 404. */
  forgetSessions(): Promise<void>;
  close(): Promise<void>;
}

const LOCAL_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Listens on loopback; `port` 0 is a free port. Rejects requests whose host or origin is not localhost. */
export async function listen(endpoint: Endpoint, port: number): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (!isLocal(request)) return refuse(response, 403, 'Only localhost is served');
    endpoint.serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) refuse(response, 500, String(error));
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${bound}`, close: () => stop(server, endpoint) };
}

/** Answers with a JSON-RPC error without an id. */
export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  headers: { [name: string]: string } = {},
): void {
  const body = { jsonrpc: '2.0', id: null, error: { code: -32000, message } };
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function pathAndQuery(request: IncomingMessage): { path: string; query: URLSearchParams } {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  return { path: pathname, query: searchParams };
}

/** A page whose host name was rebound to this machine sends that name here (DNS rebinding). */
function isLocal({ headers }: IncomingMessage): boolean {
  const isHostLocal = hasLocalName(`http://${headers.host ?? ''}`);
  return isHostLocal && (headers.origin === undefined || hasLocalName(headers.origin));
}

function hasLocalName(url: string): boolean {
  return URL.canParse(url) && LOCAL_NAMES.has(new URL(url).hostname);
}

async function stop(server: Server, endpoint: Endpoint): Promise<void> {
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  await endpoint.close();
  server.closeAllConnections();
  await stopped;
}
