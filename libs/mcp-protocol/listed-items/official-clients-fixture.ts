/** Official clients of both generations over a transport that answers each list with the same result. */
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import {
  encodeLegacyResult,
  encodeModernResult,
  LATEST_LEGACY_REVISION,
  LATEST_MODERN_REVISION,
} from '../codecs/index.js';
import type { JsonObject, JsonValue } from '../json.js';
import { LIST_MEMBERS, type ListMethod } from '../methods.js';

type ClientMessage = { id?: string | number; method?: string };

const CAPABILITIES = { tools: {}, prompts: {}, resources: {} };
const IDENTITY = { name: 'fixture', version: '1' };

class ListTransport {
  onmessage: ((message: never) => void) | undefined;
  listed: JsonObject = {};

  constructor(private readonly era: 'legacy' | 'modern') {}

  async start(): Promise<void> {}
  async close(): Promise<void> {}

  async send({ id, method = '' }: ClientMessage): Promise<void> {
    if (id === undefined) return;
    // What a client reads has passed through JSON.
    const answer = JSON.parse(JSON.stringify({ jsonrpc: '2.0', id, result: this.answer(method) })) as never;
    queueMicrotask(() => this.onmessage?.(answer));
  }

  private answer(method: string): JsonObject {
    if (method === 'initialize')
      return { protocolVersion: LATEST_LEGACY_REVISION, capabilities: CAPABILITIES, serverInfo: IDENTITY };
    if (method === 'server/discover')
      return encodeModernResult(method, {
        supportedVersions: [LATEST_MODERN_REVISION],
        capabilities: CAPABILITIES,
        serverInfo: IDENTITY,
      });
    return this.era === 'modern'
      ? encodeModernResult(method, this.listed)
      : encodeLegacyResult(method, this.listed, LATEST_LEGACY_REVISION);
  }
}

type AnyClient = Pick<ClientV1, 'listTools' | 'listPrompts' | 'listResources' | 'listResourceTemplates'>;

export interface OfficialClient {
  readonly title: string;
  /** Returns what the client reads of a list with these items. Rejects when it refuses the list. */
  list(method: ListMethod, items: readonly JsonValue[]): Promise<unknown[]>;
}

function toOfficialClient(title: string, client: AnyClient, transport: ListTransport): OfficialClient {
  const list = async (method: ListMethod): Promise<Record<string, unknown>> => {
    switch (method) {
      case 'tools/list':
        return client.listTools();
      case 'prompts/list':
        return client.listPrompts();
      case 'resources/list':
        return client.listResources();
      case 'resources/templates/list':
        return client.listResourceTemplates();
    }
  };
  return {
    title,
    list: async (method, items) => {
      transport.listed = { [LIST_MEMBERS[method]]: [...items] };
      return (await list(method))[LIST_MEMBERS[method]] as unknown[];
    },
  };
}

export async function connectOfficialClients(): Promise<OfficialClient[]> {
  const [legacy, legacyV2, modern] = [
    new ListTransport('legacy'),
    new ListTransport('legacy'),
    new ListTransport('modern'),
  ];
  const v1 = new ClientV1(IDENTITY);
  await v1.connect(legacy as never);
  const v2 = new ClientV2(IDENTITY);
  await v2.connect(legacyV2 as never);
  const v2Modern = new ClientV2(IDENTITY, { versionNegotiation: { mode: { pin: LATEST_MODERN_REVISION } } });
  await v2Modern.connect(modern as never);
  return [
    toOfficialClient('SDK v1', v1, legacy),
    toOfficialClient('SDK v2, legacy', v2 as unknown as AnyClient, legacyV2),
    toOfficialClient('SDK v2, modern', v2Modern as unknown as AnyClient, modern),
  ];
}
