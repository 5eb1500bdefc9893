/** A server of the official SDK that serves files. Like all SDK servers it normalizes URIs with `new URL()`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CompleteRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

export interface FileServer {
  readonly url: string;
  /** The URIs of all requests, as the SDK passed them to the server. */
  readonly uris: readonly string[];
  close(): Promise<void>;
}

/** Starts it on a free port. The content of `/secret/plan.txt` is `SECRET`; all other files contain their path. */
export async function startFileServer(): Promise<FileServer> {
  const uris: string[] = [];
  const http = createServer((request, response) => {
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    const server = toServer(uris);
    response.on('close', () => void server.close());
    void server.connect(transport).then(() => transport.handleRequest(request, response));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    uris,
    close: () => new Promise((resolve) => http.close(() => resolve()).closeAllConnections()),
  };
}

function toServer(uris: string[]): McpServer {
  const mcp = new McpServer({ name: 'files', version: '1.0.0' });
  mcp.registerResource('file', new ResourceTemplate('file:///{+path}', { list: undefined }), {}, (uri) => {
    uris.push(uri.href);
    const path = fileURLToPath(uri).replaceAll(/\/+/g, '/');
    return { contents: [{ uri: uri.href, text: path === '/secret/plan.txt' ? 'SECRET' : path }] };
  });
  mcp.server.registerCapabilities({ resources: { subscribe: true }, completions: {} });
  for (const schema of [SubscribeRequestSchema, UnsubscribeRequestSchema]) {
    mcp.server.setRequestHandler(schema, ({ params }) => {
      uris.push(new URL(params.uri).href);
      return {};
    });
  }
  mcp.server.setRequestHandler(CompleteRequestSchema, ({ params: { ref } }) => {
    uris.push(ref.type === 'ref/prompt' ? ref.name : ref.uri);
    return { completion: { values: [] } };
  });
  return mcp;
}
