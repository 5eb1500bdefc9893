import type { JsonObject } from '#lib/mcp-protocol';
import {
  LegacyRawClient,
  ModernRawClient,
  RpcRawClient,
  SseRawClient,
  type ClientTransport,
  type RawAnswer,
  type RawClient,
  type RawClientOptions,
} from '#lib/testing/raw-client';

/** Base URLs of one endpoint at two workers, as for `rawClient`. Both may be the same worker. */
export interface ForwardingRoute {
  /** The worker at which sessions and streams are opened, which then owns them. */
  readonly ownerUrl: string;
  /** The worker that receives all other requests. */
  readonly ingressUrl: string;
}

/** Transports whose requests may arrive at another worker than the owner. */
export const FORWARDED_TRANSPORTS = ['legacy', 'modern', 'sse', 'rpc'] as const satisfies readonly ClientTransport[];
export type ForwardedTransport = (typeof FORWARDED_TRANSPORTS)[number];

/** Creates a client whose requests are forwarded, as behind a load balancer without affinity. Not yet connected. */
export function clientViaIngress(
  transport: ForwardedTransport,
  { ownerUrl, ingressUrl }: ForwardingRoute,
  options: RawClientOptions = {},
): RawClient {
  switch (transport) {
    case 'legacy':
      return new LegacyClientViaIngress(ownerUrl, ingressUrl, options);
    case 'modern':
      return new ModernRawClient(`${ingressUrl}/mcp`, options);
    case 'sse':
      return new SseClientViaIngress(ownerUrl, ingressUrl, options);
    case 'rpc':
      return new RpcRawClient(`${ingressUrl}/rpc`, options);
  }
}

/** Streamable HTTP: `initialize` at the owner, all requests at the ingress worker. */
export class LegacyClientViaIngress implements RawClient {
  readonly transport = 'legacy';
  readonly surplus: JsonObject[] = [];
  private readonly client: LegacyRawClient;
  private lastId = 0;

  constructor(
    ownerUrl: string,
    private readonly ingressUrl: string,
    options: RawClientOptions = {},
  ) {
    this.client = new LegacyRawClient(`${ownerUrl}/mcp`, options);
  }

  /** Headers of the session. */
  get headers(): Readonly<Record<string, string>> {
    return this.client.headers;
  }

  connect(): Promise<RawAnswer> {
    return this.client.connect();
  }

  async request(method: string, params: JsonObject = {}): Promise<RawAnswer> {
    this.lastId += 1;
    const answer = await this.post({ jsonrpc: '2.0', id: `request ${this.lastId}`, method, params });
    this.surplus.push(...answer.answers.slice(1));
    return answer;
  }

  post(message: JsonObject): Promise<RawAnswer> {
    return this.client.http.post(`${this.ingressUrl}/mcp`, this.headers, message);
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** HTTP+SSE: the stream at the owner, all messages posted at the ingress worker. */
export class SseClientViaIngress extends SseRawClient {
  constructor(
    ownerUrl: string,
    private readonly ingressUrl: string,
    options: RawClientOptions = {},
  ) {
    super(`${ownerUrl}/sse`, options);
  }

  override post(message: JsonObject): Promise<RawAnswer> {
    const { pathname, search } = new URL(this.messagesUrl);
    return this.http.post(new URL(this.ingressUrl).origin + pathname + search, {}, message);
  }
}
