import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { Counters, type Arrival } from './counters.js';
import type { Incoming, Misbehaviour } from './handshake.js';
import { LegacyEndpoint } from './legacy-endpoint.js';
import { ModernEndpoint } from './modern-endpoint.js';
import { Replies } from './replies.js';
import type { Endpoint, ServerState } from './server-state.js';
import { SseEndpoint } from './sse-endpoint.js';

export interface HostileServerOptions {
  readonly era: 'legacy' | 'modern';
  /** `sse` exists in the legacy era only. */
  readonly transport: 'http' | 'sse';
  /** Behaviours for the handshake and lists. Without it only the tools misbehave. */
  readonly misbehave?: Misbehaviour;
}

export interface HostileServer {
  /** URL of the endpoint that clients connect to. */
  readonly url: string;
  readonly counters: Counters;
  close(): Promise<void>;
}

const TRAP_PATH = '/trap';

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function arrivalOf(request: IncomingMessage, message: Incoming = {}): Arrival {
  const { method, params } = message;
  const tool = method === 'tools/call' ? params?.name : undefined;
  const call = method === 'tools/call' ? params?.arguments?.call : undefined;
  return {
    verb: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    ...(method === undefined ? {} : { method }),
    ...(tool === undefined ? {} : { tool }),
    ...(call === undefined ? {} : { call }),
  };
}

/** Answers a request that followed a redirect with a success and records it. */
async function trap(counters: Counters, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const id = body === '' ? null : ((JSON.parse(body) as Incoming).id ?? null);
  counters.trapped.push(arrivalOf(request));
  const result = { resultType: 'complete', content: [{ type: 'text', text: 'trapped' }] };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

async function route(
  endpoint: Endpoint,
  state: ServerState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url?.startsWith(TRAP_PATH) === true) return trap(state.counters, request, response);
  const body = await text(request);
  const message = body === '' ? {} : (JSON.parse(body) as Incoming);
  state.counters.arrivals.push(arrivalOf(request, message));
  if (request.method === 'GET') return endpoint.get(request, response);
  if (request.method === 'DELETE') return endpoint.delete(request, response);
  return endpoint.post(message, request, response);
}

function endpointFor(options: HostileServerOptions, state: ServerState): Endpoint {
  if (options.transport === 'sse') return new SseEndpoint(state);
  return options.era === 'legacy' ? new LegacyEndpoint(state) : new ModernEndpoint(state);
}

/**
 * Starts a server with a regular handshake that handles each `tools/call` by the behaviour named by the tool. It uses
 * node:http only, so that no library repairs invalid output.
 */
export async function startHostileServer(options: HostileServerOptions): Promise<HostileServer> {
  const counters = new Counters();
  const foreign = createServer((request, response) => void trap(counters, request, response));
  const foreignUrl = await listen(foreign);
  const traps = { 'same-origin': TRAP_PATH, 'other-origin': foreignUrl + TRAP_PATH };
  const state: ServerState = { counters, replies: new Replies(), misbehave: options.misbehave ?? {}, traps };
  const endpoint = endpointFor(options, state);
  const server = createServer((request, response) => {
    // The client may disconnect in the middle of its request.
    route(endpoint, state, request, response).catch(() => response.destroy());
  });
  const url = await listen(server);
  return {
    url: url + endpoint.path,
    counters,
    close: async () => void (await Promise.all([shut(server), shut(foreign)])),
  };
}
