import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { JsonObject } from '#lib/mcp-protocol';
import { ReceivedNotifications } from './sdk-client.js';

export const VENDOR_CLIENTS = ['streamable HTTP', 'HTTP+SSE', 'stateless streamable HTTP'] as const;
export type VendorClientKind = (typeof VENDOR_CLIENTS)[number];

export interface VendorConnection {
  readonly slug: string;
  readonly token: string;
  /** URL of the worker that receives the handshake and so owns the session. */
  readonly owner: string;
  /** URL of the worker that receives everything else. */
  readonly visited: string;
}

/** An official client that uses the extension of a vendor. It confirms every request of the server. */
export interface VendorClient {
  readonly received: ReceivedNotifications;
  /** Params of the requests of the server. */
  readonly asked: JsonObject[];
  request(method: string, params?: JsonObject): Promise<JsonObject>;
  notify(method: string, params: JsonObject): Promise<void>;
  close(): Promise<void>;
}

/** The part of both generations of the official client that the extension needs. */
interface Extensible {
  fallbackRequestHandler?: (request: { method: string; params?: unknown }) => Promise<JsonObject>;
  fallbackNotificationHandler?: (notification: { method: string; params?: unknown }) => Promise<void>;
  notification(notification: { method: string; params: JsonObject }): Promise<void>;
  close(): Promise<void>;
}

const IDENTITY = { name: 'vendor', version: '1.0.0' };

/** Accepts every result. */
const ANY_RESULT = {
  '~standard': { version: 1, vendor: 'tests', validate: (value: unknown) => ({ value: value as JsonObject }) },
} as const;

export async function connectVendor(kind: VendorClientKind, connection: VendorConnection): Promise<VendorClient> {
  if (kind === 'stateless streamable HTTP') return connectModern(connection);
  const client = new LegacyClient(IDENTITY);
  const extensible = client as unknown as Extensible;
  const ready = withHandlers(extensible, async (method, params) => {
    return (await client.request({ method, params }, ResultSchema)) as JsonObject;
  });
  const base = `${connection.owner}/servers/${connection.slug}`;
  const options = { requestInit: headersOf(connection), fetch: roaming(connection) };
  await client.connect(
    kind === 'HTTP+SSE'
      ? new SSEClientTransport(new URL(`${base}/sse`), options)
      : new StreamableHTTPClientTransport(new URL(`${base}/mcp`), options),
  );
  return ready;
}

async function connectModern(connection: VendorConnection): Promise<VendorClient> {
  const client = new ModernClient(IDENTITY, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  const ready = withHandlers(client as unknown as Extensible, async (method, params) => {
    return (await client.request({ method, params }, ANY_RESULT)) as JsonObject;
  });
  const url = new URL(`${connection.visited}/servers/${connection.slug}/mcp`);
  await client.connect(new ModernTransport(url, { requestInit: headersOf(connection) }));
  return ready;
}

function withHandlers(
  client: Extensible,
  request: (method: string, params: JsonObject) => Promise<JsonObject>,
): VendorClient {
  const received = new ReceivedNotifications();
  const asked: JsonObject[] = [];
  client.fallbackNotificationHandler = async ({ method, params }) => received.add(method, params);
  client.fallbackRequestHandler = async ({ params }) => {
    asked.push((params ?? {}) as JsonObject);
    return { confirmed: true };
  };
  return {
    received,
    asked,
    request: (method, params = {}) => request(method, params),
    notify: (method, params) => client.notification({ method, params }),
    close: () => client.close(),
  };
}

const headersOf = ({ token }: VendorConnection) => ({ headers: { authorization: `Bearer ${token}` } });

/** Sends the handshake, or the GET that opens a stream of HTTP+SSE, to the owner, and everything else to the other worker. */
function roaming({ owner, visited }: VendorConnection) {
  return (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const { pathname, search } = new URL(url);
    const isHandshake = typeof init.body === 'string' && init.body.includes('"method":"initialize"');
    const opensSession = isHandshake || (pathname.endsWith('/sse') && init.method !== 'POST');
    return fetch(`${opensSession ? owner : visited}${pathname}${search}`, init);
  };
}
