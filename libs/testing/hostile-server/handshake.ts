import type { JsonObject } from '#lib/mcp-protocol';
import { BEHAVIOURS, behaviourNamed } from './behaviours.js';
import type { Act, MessageId } from './behaviour.js';
import { json } from './behaviour.js';

export const LEGACY_REVISION = '2025-11-25';
export const SSE_REVISION = '2024-11-05';
export const MODERN_REVISION = '2026-07-28';

/** Methods other than `tools/call` that misbehave, each with the name of a behaviour. */
export type Misbehaviour = Partial<Readonly<Record<'initialize' | 'tools/list' | 'server/discover', string>>>;

/** A message from the client, unvalidated. */
export interface Incoming {
  readonly id?: MessageId;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly call?: string } };
}

const SERVER_INFO = { name: 'hostile', version: '1.0.0' };
const CAPABILITIES = { tools: {} };

const tools = (): JsonObject => ({
  resultType: 'complete',
  ttlMs: 0,
  cacheScope: 'private',
  tools: BEHAVIOURS.map(({ name }) => ({
    name,
    inputSchema: { type: 'object', properties: { call: { type: 'string' } } },
  })),
});

const initialized = (revision: string): JsonObject => ({
  protocolVersion: revision,
  capabilities: CAPABILITIES,
  serverInfo: SERVER_INFO,
  instructions: 'Expect nothing good.',
});

const discovered = (): JsonObject => ({
  resultType: 'complete',
  ttlMs: 0,
  cacheScope: 'private',
  supportedVersions: [MODERN_REVISION],
  capabilities: CAPABILITIES,
  instructions: 'Expect nothing good.',
  _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO },
});

const answer = (result: JsonObject): Act => ({
  kind: 'message',
  frame: (id) => json({ jsonrpc: '2.0', id, result }),
});

function refuse(revision: string, code: number, message: string, data?: JsonObject): Act {
  const body = (id: MessageId): string => json({ jsonrpc: '2.0', id, error: { code, message, data } });
  if (revision !== MODERN_REVISION) return { kind: 'message', frame: body };
  return { kind: 'http', status: code === -32601 ? 404 : 400, headers: { 'content-type': 'application/json' }, body };
}

function wellBehaved(method: string | undefined, revision: string): Act | undefined {
  if (method === 'tools/list') return answer(tools());
  if (method === 'ping') return answer({});
  const modern = revision === MODERN_REVISION;
  if (method === 'initialize') {
    if (!modern) return answer(initialized(revision));
    const data = { supported: [MODERN_REVISION], requested: LEGACY_REVISION };
    return refuse(revision, -32022, 'Unsupported protocol version', data);
  }
  return modern && method === 'server/discover' ? answer(discovered()) : undefined;
}

/** Selects the act for a request: regular service for the handshake and lists, the named behaviour for a tool call. */
export function actFor(message: Incoming, revision: string, misbehave: Misbehaviour): Act {
  const { method } = message;
  const chosen = method === 'tools/call' ? message.params?.name : misbehave[method as keyof Misbehaviour];
  const behaviour = chosen === undefined ? undefined : behaviourNamed(chosen);
  if (behaviour !== undefined) return behaviour.act;
  return wellBehaved(method, revision) ?? refuse(revision, -32601, 'Method not found');
}
