import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '#lib/mcp-protocol';

/** A server over streamable HTTP whose tool `rows` may return any kind of structured content, and returns an object. */
export interface BothErasServer {
  readonly url: string;
  close(): Promise<void>;
}

const ROWS = { rows: 1 };
const ANYTHING = { anyOf: [{ type: 'object' }, { type: 'string' }] };
/** The form that a legacy client can read: structured content is always an object. */
const ENVELOPED = { type: 'object', properties: { result: ANYTHING }, required: ['result'] };

/** Starts a server of the modern era that serves the handshakes of legacy clients, too, unless it is `modernOnly`. */
export async function startBothErasServer(modernOnly = false): Promise<BothErasServer> {
  const http = createServer((request, response) => {
    const send = (status: number, body?: JsonObject) => {
      response.writeHead(status, { 'content-type': 'application/json', 'mcp-session-id': 'session' });
      response.end(body && JSON.stringify(body));
    };
    if (request.method !== 'POST') return send(405);
    void readJson(request).then((message) => {
      if (message['id'] === undefined) return send(202);
      const answer = answerTo(message, modernOnly);
      send('error' in answer ? 400 : 200, { jsonrpc: '2.0', id: message['id'], ...answer });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    close: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function answerTo({ method, params }: JsonObject, modernOnly: boolean): JsonObject {
  const isModern = JSON.stringify(params ?? {}).includes('io.modelcontextprotocol/protocolVersion');
  const capabilities = { tools: {} };
  const error = { code: -32601, message: 'Method not found' };
  const resultType = isModern ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {};
  const tool = { name: 'rows', inputSchema: { type: 'object' }, outputSchema: isModern ? ANYTHING : ENVELOPED };
  switch (method) {
    case 'server/discover':
      return { result: { ...resultType, supportedVersions: ['2026-07-28'], capabilities } };
    case 'initialize':
      return modernOnly ? { error } : { result: { protocolVersion: '2025-11-25', capabilities, serverInfo: INFO } };
    case 'tools/list':
      return { result: { ...resultType, tools: [tool] } };
    case 'tools/call':
      return { result: { ...resultType, content: [], structuredContent: isModern ? ROWS : { result: ROWS } } };
    default:
      return { error };
  }
}

const INFO = { name: 'both', version: '1' };

async function readJson(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as JsonObject;
}
