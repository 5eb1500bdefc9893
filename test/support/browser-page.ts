import { Client as V2Client, StreamableHTTPClientTransport as V2Transport } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** Set by the page of `test/e2e/browser.e2e.ts`, in which this script runs. */
declare const options: {
  /** The gateway. */
  readonly url: string;
  readonly token: string;
  readonly tool: string;
  readonly args: Record<string, unknown>;
};

const { url, token, tool, args } = options;
const INFO = { name: 'page', version: '1.0.0' };
const withToken = { requestInit: { headers: { authorization: `Bearer ${token}` } } };

interface Connected {
  listTools(): Promise<{ readonly tools: readonly { readonly name: string }[] }>;
  callTool(call: { readonly name: string; readonly arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
  getNegotiatedProtocolVersion?(): string | undefined;
}

const CLIENTS: Readonly<Record<string, () => Promise<Connected>>> = {
  'v1 over streamable HTTP': () => connectV1(new V1Transport(new URL('/mcp', url), withToken)),
  'v1 over HTTP+SSE': () => connectV1(new SSEClientTransport(new URL('/sse', url), withToken)),
  'v2 legacy': () => connectV2('legacy'),
  'v2 auto': () => connectV2('auto'),
};

async function connectV1(transport: V1Transport | SSEClientTransport): Promise<Connected> {
  const client = new V1Client(INFO);
  await client.connect(transport);
  return client;
}

async function connectV2(mode: 'legacy' | 'auto'): Promise<Connected> {
  const client = new V2Client(INFO, { versionNegotiation: { mode } });
  await client.connect(new V2Transport(new URL('/mcp', url), withToken));
  return client;
}

/** What a page can read of the refusal of a request without a token. */
async function readRefusal(): Promise<unknown> {
  const response = await fetch(new URL('/mcp', url), { method: 'POST', body: '{}' });
  return { status: response.status, challenge: response.headers.get('www-authenticate') };
}

async function attempt(connect: () => Promise<Connected>): Promise<unknown> {
  const client = await connect();
  const { tools } = await client.listTools();
  const result = await client.callTool({ name: tool, arguments: args });
  const revision = client.getNegotiatedProtocolVersion?.();
  await client.close();
  return { revision, tools: tools.map(({ name }) => name), result };
}

const toError = (cause: unknown) => ({ error: String(cause) });

const report: Record<string, unknown> = { refusal: await readRefusal().catch(toError) };
for (const [client, connect] of Object.entries(CLIENTS)) report[client] = await attempt(connect).catch(toError);
await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
