import { isDeepStrictEqual } from 'node:util';
import type { Dispatcher, Pool } from 'undici';
import { DECODABLE_CODINGS } from './body-decoder.js';
import { GatewayError } from '#lib/extension-kit';
import { HttpExchange, type HttpExchangeContext, type HttpReceiver } from './http-exchange.js';
import type { HttpDestination, HttpPools } from './http-pools.js';
import { RefusedCredentials } from './refused-credentials.js';

/** Credentials that a channel adds to each request, beside the headers of the server's definition. */
export interface ChannelCredentials {
  /** Increases when the credentials are replaced. */
  readonly version: number;
  /** True if there is no header to add. */
  readonly isEmpty: boolean;
  /** Returns the headers with those of the credentials in place of others of their names. Names and values in turn. */
  addTo(headers: readonly string[]): string[];
  /** Replaces the credentials of this version, which the server has refused. Rejects with a GatewayError. */
  refresh(version: number): Promise<void>;
}

type HttpDispatchOptions = Dispatcher.DispatchOptions & { readonly headers: string[] };

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Names and values in turn; includes the headers of the server's definition. */
  readonly headers: string[];
  readonly body: string | Buffer | null;
  /** Path and query, when they differ from the server's own. */
  readonly path?: string;
  /** Milliseconds until the answer must be complete, or until `removeTimeout` is called for its event stream. */
  readonly timeoutMs?: number;
}

/** Methods of a REST API that may run twice (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

/** Headers that the protocol or HTTP itself decides; a definition that sets them is not followed. */
const RESERVED = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** @param name in lower case */
export const isReservedHeader = (name: string): boolean => RESERVED.has(name);

/**
 * Sends requests to one server over HTTP. Calls share a bounded pool; messages that must not wait behind calls
 * (cancellations, answers, long streams) use a second, unbounded pool. Redirects are not followed.
 * A request whose credentials the server refuses (401) is sent once more, if there are new ones. A REST API may have run a part
 * of a request that changes something: such a request is not repeated, and the next one has the new credentials.
 */
export class HttpChannel {
  readonly url: URL;
  readonly headers: readonly string[];
  private readonly path: string;
  private readonly isRest: boolean;
  private readonly context: HttpExchangeContext;
  private readonly onCallOver = (): void => void this.pools.running--;

  constructor(
    definition: HttpDestination,
    readonly pools: HttpPools,
    readonly reportFailure: (detail: string) => void = NOTHING,
    private readonly credentials?: ChannelCredentials,
  ) {
    this.url = new URL(definition.url);
    this.context = { limits: pools.limits, deadlines: pools.deadlines, reportFailure };
    this.isRest = definition.transport === 'rest';
    this.path = this.url.pathname + this.url.search;
    this.headers = [
      ...toConfiguredHeaders(definition.headers, this.url),
      'accept-encoding',
      acceptedCodings(definition),
    ];
  }

  /** True when no further call may be sent until one has ended. */
  get full(): boolean {
    return this.pools.running >= this.pools.limits.maxCalls;
  }

  /** Sends a call as a POST. The call waits when every connection is busy. */
  postCall(headers: string[], body: string, receiver: HttpReceiver, path = this.path): HttpExchange {
    return this.sendCall({ method: 'POST', path, headers, body }, receiver);
  }

  /** Sends a call of any HTTP method. The call waits when every connection is busy. The caller enforces its timeout. */
  sendCall(request: Omit<HttpRequest, 'timeoutMs'>, receiver: HttpReceiver): HttpExchange {
    const { method, headers, body, path = this.path } = request;
    this.pools.running++;
    const exchange = new HttpExchange(receiver, this.context, this.onCallOver);
    this.dispatch(this.pools.calls, { method, path, headers, body }, exchange, receiver);
    return exchange;
  }

  /** Sends a request that does not wait behind calls. */
  sendUnqueued(request: HttpRequest, receiver: HttpReceiver): HttpExchange {
    const { method, headers, body, path = this.path, timeoutMs } = request;
    const exchange = new HttpExchange(receiver, this.context, NOTHING, timeoutMs);
    this.dispatch(this.pools.side, { method, path, headers, body }, exchange, receiver);
    return exchange;
  }

  private dispatch(
    pool: Pool,
    options: HttpDispatchOptions,
    exchange: HttpExchange,
    { mayRepeat = false }: HttpReceiver,
  ): void {
    const { credentials } = this;
    if (credentials === undefined || credentials.isEmpty) return this.send(pool, options, exchange, mayRepeat);
    const { version } = credentials;
    const authenticated = { ...options, headers: credentials.addTo(options.headers) };
    if (this.isRest && !IDEMPOTENT.has(options.method)) {
      const handler = new RefusedCredentials(exchange, () => void credentials.refresh(version).catch(NOTHING), false);
      return this.send(pool, authenticated, exchange, mayRepeat, handler);
    }
    const sendAgain = async () => {
      try {
        await credentials.refresh(version);
        const headers = credentials.addTo(options.headers);
        if (isDeepStrictEqual(headers, authenticated.headers)) return handler.passRefusal();
        if (!exchange.hasEnded) this.send(pool, { ...options, headers }, exchange, mayRepeat);
      } catch (cause) {
        exchange.refuse(cause instanceof GatewayError ? cause.message : 'its credentials could not be renewed');
      }
    };
    const handler = new RefusedCredentials(exchange, () => void sendAgain());
    this.send(pool, authenticated, exchange, mayRepeat, handler);
  }

  private send(
    pool: Pool,
    options: HttpDispatchOptions,
    exchange: HttpExchange,
    mayRepeat: boolean,
    handler: Dispatcher.DispatchHandler = exchange,
  ): void {
    if (mayRepeat) exchange.repeat = () => void this.pools.fresh.dispatch(options, handler);
    pool.dispatch(options, handler);
  }

  /** Keeps the channel open for a connection. Returns the function that releases the lease. */
  lease(): () => void {
    return this.pools.lease();
  }
}

/**
 * Proxies and servers hold the events of a compressed stream back, so that an MCP server is asked for none. Bodies that are
 * compressed nevertheless are decoded.
 */
const acceptedCodings = ({ transport }: HttpDestination): string =>
  transport === 'rest' ? DECODABLE_CODINGS : 'identity';

const NOTHING = (): void => undefined;

function toConfiguredHeaders(configured: Readonly<Record<string, string>>, url: URL): string[] {
  const headers: string[] = [];
  const names = new Set<string>();
  for (const [name, value] of Object.entries(configured)) {
    const lower = name.toLowerCase();
    if (RESERVED.has(lower)) continue;
    names.add(lower);
    headers.push(lower, value);
  }
  if (url.username !== '' && !names.has('authorization')) {
    const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
    headers.push('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
  }
  return headers;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
