import {
  Client,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  ANSWERS,
  callParams,
  headersFor,
  requestOptions,
  SdkClient,
  TALKATIVE,
  type CallOptions,
  type ConnectOrder,
  type ListName,
  type Page,
  type ToolAnswer,
  type Watched,
} from './sdk-client.js';

/** Connects the second generation of the official client, which knows both eras. */
export async function connectV2(
  mode: VersionNegotiationMode,
  path: 'mcp' | 'sse',
  order: ConnectOrder,
): Promise<SdkClient> {
  const capabilities = order.talkative === false ? {} : TALKATIVE;
  const client = new Client({ name: 'v2', version: '1.0.0' }, { capabilities, versionNegotiation: { mode } });
  if (order.talkative !== false) {
    client.setRequestHandler('elicitation/create', () => ANSWERS.form);
    client.setRequestHandler('sampling/createMessage', () => ANSWERS.model);
    client.setRequestHandler('roots/list', () => ANSWERS.roots);
  }
  const url = new URL(order.url);
  const options = { requestInit: { headers: headersFor(order) } };
  const way = path === 'sse' ? new SSEClientTransport(url, options) : new StreamableHTTPClientTransport(url, options);
  const connected = new V2Client(client, way);
  await client.connect(way);
  return connected;
}

class V2Client extends SdkClient {
  constructor(
    private readonly client: Client,
    private readonly transport: SSEClientTransport | StreamableHTTPClientTransport,
  ) {
    super(client);
  }

  get revision(): string | undefined {
    return this.client.getNegotiatedProtocolVersion();
  }

  /** This generation turns the pages by itself. */
  async list(name: ListName): Promise<JsonObject[]> {
    return (await this.pages(name))[name] as JsonObject[];
  }

  async call(name: string, args?: JsonObject, options?: CallOptions): Promise<ToolAnswer> {
    return (await this.client.callTool(
      callParams(name, args, options),
      requestOptions(options),
    )) as unknown as ToolAnswer;
  }

  async watch({ lists = false, uri }: Watched): Promise<void> {
    if (this.client.getProtocolEra() === 'modern') {
      const all = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
      const uris = uri === undefined ? [] : [uri];
      const { honoredFilter } = await this.client.listen({ ...(lists && all), resourceSubscriptions: uris });
      const refused = uris.filter((each) => !honoredFilter.resourceSubscriptions?.includes(each));
      if (refused.length > 0) throw new Error(`Nothing will be heard of ${refused.join(', ')}`);
    } else if (uri !== undefined) await this.client.subscribeResource({ uri });
  }

  async close(): Promise<void> {
    // The session may have ended before.
    const ended = this.transport instanceof StreamableHTTPClientTransport && this.transport.terminateSession();
    await Promise.resolve(ended).catch(() => undefined);
    await this.client.close();
  }

  /** Answers that the client kept would prove nothing. */
  private pages(name: ListName): Promise<Page> {
    const options = { cacheMode: 'refresh' } as const;
    switch (name) {
      case 'tools':
        return this.client.listTools(undefined, options);
      case 'prompts':
        return this.client.listPrompts(undefined, options);
      case 'resources':
        return this.client.listResources(undefined, options);
      case 'resourceTemplates':
        return this.client.listResourceTemplates(undefined, options);
    }
  }
}
