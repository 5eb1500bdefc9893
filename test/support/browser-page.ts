import { Client as V2Client, StreamableHTTPClientTransport as V2Transport } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

export interface ClientsOptions {
  /** The gateway. */
  readonly url: string;
  readonly token: string;
  readonly tool: string;
  readonly args: Record<string, unknown>;
}

interface Connected {
  listTools(): Promise<{ readonly tools: readonly { readonly name: string }[] }>;
  callTool(call: { readonly name: string; readonly arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
  getNegotiatedProtocolVersion?(): string | undefined;
}

type Connect = (options: ClientsOptions) => Promise<Connected>;

const INFO = { name: 'page', version: '1.0.0' };
const withToken = ({ token }: ClientsOptions) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } });

const CLIENTS: Readonly<Record<string, Connect>> = {
  'v1 over streamable HTTP': (options) => connectV1(new V1Transport(new URL('/mcp', options.url), withToken(options))),
  'v1 over HTTP+SSE': (options) => connectV1(new SSEClientTransport(new URL('/sse', options.url), withToken(options))),
  'v2 legacy': (options) => connectV2('legacy', options),
  'v2 auto': (options) => connectV2('auto', options),
};

async function connectV1(transport: V1Transport | SSEClientTransport): Promise<Connected> {
  const client = new V1Client(INFO);
  await client.connect(transport);
  return client;
}

async function connectV2(mode: 'legacy' | 'auto', options: ClientsOptions): Promise<Connected> {
  const client = new V2Client(INFO, { versionNegotiation: { mode } });
  await client.connect(new V2Transport(new URL('/mcp', options.url), withToken(options)));
  return client;
}

/** What a page can read of the refusal of a request without a token. */
async function readRefusal({ url }: ClientsOptions): Promise<unknown> {
  const response = await fetch(new URL('/mcp', url), { method: 'POST', body: '{}' });
  return { status: response.status, challenge: response.headers.get('www-authenticate') };
}

async function attempt(connect: Connect, options: ClientsOptions): Promise<unknown> {
  const client = await connect(options);
  const { tools } = await client.listTools();
  const result = await client.callTool({ name: options.tool, arguments: options.args });
  const revision = client.getNegotiatedProtocolVersion?.();
  await client.close();
  return { revision, tools: tools.map(({ name }) => name), result };
}

const toError = (cause: unknown) => ({ error: String(cause) });

/** Runs in a page. Uses the gateway with each official client and returns what each one received. */
export async function useClients(options: ClientsOptions): Promise<Record<string, unknown>> {
  const report: Record<string, unknown> = { refusal: await readRefusal(options).catch(toError) };
  for (const [client, connect] of Object.entries(CLIENTS))
    report[client] = await attempt(connect, options).catch(toError);
  return report;
}
