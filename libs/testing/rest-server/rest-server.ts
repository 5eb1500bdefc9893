import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { REST_ANSWERS, type RestAnswer } from './rest-answers.js';

/** One received request. */
export interface RestArrival {
  readonly method: string;
  /** Path and query, undecoded. */
  readonly address: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RestTestServer {
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** All requests, in order. */
  readonly arrivals: readonly RestArrival[];
  /** Number of requests that followed a redirect. */
  readonly trapped: number;
  /** Number of requests that the client closed before the answer was complete. */
  readonly abandoned: number;
  /** Number of requests whose address has this prefix. */
  runs(address: string): number;
  close(): Promise<void>;
}

const CHUNK = Buffer.alloc(65_536, 'x');

class Endpoints {
  readonly arrivals: RestArrival[] = [];
  trapped = 0;
  abandoned = 0;

  constructor(private readonly trap: () => string) {}

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      if (!response.writableFinished) this.abandoned++;
    });
    const { method = '', url = '', headers } = request;
    const arrival = { method, address: url, headers, body: await text(request) };
    this.arrivals.push(arrival);
    const [path = ''] = url.split('?');
    const known: Readonly<Record<string, RestAnswer>> = REST_ANSWERS;
    if (path.startsWith('/echo')) return answer(response, toEcho(arrival));
    answer(response, known[path] ?? this.serveFault(path, request, response));
  }

  /** Serves the paths that break the connection. Undefined when it has answered itself, or never answers. */
  private serveFault(path: string, request: IncomingMessage, response: ServerResponse): RestAnswer | undefined {
    switch (path) {
      case '/hang':
        return undefined;
      case '/cut':
        request.socket.resetAndDestroy();
        return undefined;
      case '/half':
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
        response.write('{"a":', () => request.socket.destroy());
        return undefined;
      case '/flood':
        response.writeHead(200, { 'content-type': 'text/plain' });
        flood(response);
        return undefined;
      case '/redirect':
        return { status: 307, headers: { location: `${this.trap()}/trap` }, body: '{"detail":"Over there"}' };
      default:
        return { status: 404, body: '' };
    }
  }
}

function toEcho(arrival: RestArrival): RestAnswer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(arrival) };
}

function answer(response: ServerResponse, given: RestAnswer | undefined): void {
  if (given === undefined) return;
  response.writeHead(given.status, given.headers);
  response.end(given.body);
}

function flood(response: ServerResponse): void {
  while (!response.closed && response.write(CHUNK));
  if (!response.closed) response.once('drain', () => flood(response));
}

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Starts the endpoints on a free port of 127.0.0.1. */
export async function startRestServer(): Promise<RestTestServer> {
  const trap = await listening(
    createServer((_request, response) => {
      endpoints.trapped++;
      response.end('trapped');
    }),
  );
  const endpoints = new Endpoints(() => originOf(trap));
  const server = await listening(createServer((request, response) => void endpoints.serve(request, response)));
  return {
    url: originOf(server),
    arrivals: endpoints.arrivals,
    get trapped() {
      return endpoints.trapped;
    },
    get abandoned() {
      return endpoints.abandoned;
    },
    runs: (address) => endpoints.arrivals.filter((arrival) => arrival.address.startsWith(address)).length,
    close: async () => void (await Promise.all([shut(server), shut(trap)])),
  };
}
