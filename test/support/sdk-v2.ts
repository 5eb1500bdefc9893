import {
  Client,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  DEFAULT_ANSWERS,
  callParams,
  headersFor,
  RECONNECTION,
  requestOptions,
  SdkClient,
  ALL_CAPABILITIES,
  type CallOptions,
  type ConnectOptions,
  type InputRequired,
  type ListName,
  type Page,
  type ToolAnswer,
  type WatchOptions,
} from './sdk-client.js';

export interface V2Options extends ConnectOptions {
  readonly mode: VersionNegotiationMode;
  readonly path: 'mcp' | 'sse';
  /** Supported revisions. Default: all. */
  readonly revisions?: string[];
}

/** Connects the second generation of the official client, which supports both eras. */
export async function connectV2({ mode, path, revisions, ...order }: V2Options): Promise<SdkClient> {
  const capabilities = order.answersQuestions === false ? {} : ALL_CAPABILITIES;
  const known = revisions && { supportedProtocolVersions: revisions };
  const client = new Client({ name: 'v2', version: '1.0.0' }, { capabilities, versionNegotiation: { mode }, ...known });
  if (order.answersQuestions !== false) {
    const { elicit, sample, listRoots } = { ...DEFAULT_ANSWERS, ...order.answers };
    client.setRequestHandler('elicitation/create', ({ params }) => elicit(params));
    client.setRequestHandler('sampling/createMessage', ({ params }) => sample(params));
    client.setRequestHandler('roots/list', () => listRoots());
  }
  const url = new URL(order.url);
  const options = { requestInit: { headers: headersFor(order) }, reconnectionOptions: RECONNECTION };
  const way = path === 'sse' ? new SSEClientTransport(url, options) : new StreamableHTTPClientTransport(url, options);
  const connected = new V2Client(client, way);
  await client.connect(way);
  return connected;
}

/** Adds the features that only this generation has. */
export class V2Client extends SdkClient {
  constructor(
    private readonly client: Client,
    private readonly transport: SSEClientTransport | StreamableHTTPClientTransport,
  ) {
    super(client);
  }

  get revision(): string | undefined {
    return this.client.getNegotiatedProtocolVersion();
  }

  /**
   * Calls once and returns the result, even if it requires input. The client itself would answer and repeat the call.
   */
  async callOnce(name: string, args: JsonObject, more: JsonObject = {}): Promise<ToolAnswer | InputRequired> {
    const params = { ...callParams(name, args), ...more };
    const request = { method: 'tools/call', params } as const;
    return (await this.client.request(request, { allowInputRequired: true })) as unknown as ToolAnswer | InputRequired;
  }

  page(name: ListName, cursor?: string): Promise<Page> {
    const params = cursor === undefined ? {} : { cursor };
    switch (name) {
      case 'tools':
        return this.client.request({ method: 'tools/list', params });
      case 'prompts':
        return this.client.request({ method: 'prompts/list', params });
      case 'resources':
        return this.client.request({ method: 'resources/list', params });
      case 'resourceTemplates':
        return this.client.request({ method: 'resources/templates/list', params });
    }
  }

  /** This generation reads all pages by itself. */
  async list(name: ListName): Promise<JsonObject[]> {
    return (await this.pages(name))[name] as JsonObject[];
  }

  async call(name: string, args?: JsonObject, options?: CallOptions): Promise<ToolAnswer> {
    return (await this.client.callTool(
      callParams(name, args, options),
      requestOptions(options),
    )) as unknown as ToolAnswer;
  }

  async watch({ lists = false, uri }: WatchOptions): Promise<() => Promise<void>> {
    if (this.client.getProtocolEra() === 'modern') {
      const all = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
      const uris = uri === undefined ? [] : [uri];
      const listening = await this.client.listen({ ...(lists && all), resourceSubscriptions: uris });
      const honored = listening.honoredFilter.resourceSubscriptions ?? [];
      const refused = uris.filter((each) => !honored.includes(each));
      if (refused.length > 0) throw new Error(`The server does not honour the subscription to ${refused.join(', ')}`);
      return () => listening.close();
    }
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

  /** Bypasses the cache of the client, because cached answers would prove nothing. */
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
