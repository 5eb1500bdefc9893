import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  DEFAULT_ANSWERS,
  callParams,
  readAllPages,
  headersFor,
  RECONNECTION,
  requestOptions,
  SdkClient,
  ALL_CAPABILITIES,
  type CallOptions,
  type ConnectOptions,
  type ListName,
  type Page,
  type ToolAnswer,
  type WatchOptions,
} from './sdk-client.js';

/** Connects the first generation of the official client, which supports the legacy era only. */
export async function connectV1(path: 'mcp' | 'sse', order: ConnectOptions): Promise<SdkClient> {
  const capabilities = order.answersQuestions === false ? {} : ALL_CAPABILITIES;
  const client = new Client({ name: 'v1', version: '1.0.0' }, { capabilities });
  if (order.answersQuestions !== false) {
    const { elicit, sample, listRoots } = { ...DEFAULT_ANSWERS, ...order.answers };
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params));
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => sample(params));
    client.setRequestHandler(ListRootsRequestSchema, () => listRoots());
  }
  const url = new URL(order.url);
  const options = { requestInit: { headers: headersFor(order) }, reconnectionOptions: RECONNECTION };
  const way = path === 'sse' ? new SSEClientTransport(url, options) : new StreamableHTTPClientTransport(url, options);
  const connected = new V1Client(client, way);
  await client.connect(way);
  return connected;
}

class V1Client extends SdkClient {
  constructor(
    private readonly client: Client,
    private readonly transport: SSEClientTransport | StreamableHTTPClientTransport,
  ) {
    super(client);
  }

  get revision(): string | undefined {
    return 'protocolVersion' in this.transport ? this.transport.protocolVersion : undefined;
  }

  async list(name: ListName): Promise<JsonObject[]> {
    const pages = await readAllPages((cursor) => this.page(name, cursor));
    return pages.flatMap((page) => page[name] as JsonObject[]);
  }

  async call(name: string, args?: JsonObject, options?: CallOptions): Promise<ToolAnswer> {
    const params = callParams(name, args, options);
    return (await this.client.callTool(params, undefined, requestOptions(options))) as unknown as ToolAnswer;
  }

  async watch({ uri }: WatchOptions): Promise<() => Promise<void>> {
    if (uri === undefined) return () => Promise.resolve();
    await this.client.subscribeResource({ uri });
    return async () => void (await this.client.unsubscribeResource({ uri }));
  }

  async close(): Promise<void> {
    // The session may have ended already.
    const ended = this.transport instanceof StreamableHTTPClientTransport && this.transport.terminateSession();
    await Promise.resolve(ended).catch(() => undefined);
    await this.client.close();
  }

  page(name: ListName, cursor?: string): Promise<Page> {
    const params = cursor === undefined ? {} : { cursor };
    switch (name) {
      case 'tools':
        return this.client.listTools(params);
      case 'prompts':
        return this.client.listPrompts(params);
      case 'resources':
        return this.client.listResources(params);
      case 'resourceTemplates':
        return this.client.listResourceTemplates(params);
    }
  }
}
