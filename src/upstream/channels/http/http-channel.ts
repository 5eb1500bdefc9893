import { Pool, type Dispatcher } from 'undici';
import type { RemoteServer, RestServer } from '../../../registry/index.js';
import type { Deadlines } from '../deadlines.js';
import type { AddressGuard } from '#lib/address-guard';
import { guardedConnector } from '../guard/index.js';
import { DECODABLE_CODINGS } from './body-decoder.js';
import { HttpExchange, type HttpExchangeContext, type HttpLimits, type HttpReceiver } from './http-exchange.js';

export interface HttpChannelLimits extends HttpLimits {
  /** Maximum number of concurrent calls at one server, each on its own TCP connection. */
  readonly maxConnections: number;
  /** Maximum number of calls that run or wait for a connection at one server; further calls are rejected. */
  readonly maxCalls: number;
}

/** The target of requests, and the headers that each of them carries. */
export type HttpDestination = Pick<RemoteServer | RestServer, 'transport' | 'url' | 'headers' | 'timeouts' | 'guarded'>;

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

/**
 * How long a connection stays open without a request, in milliseconds, when the server does not announce its own timeout.
 * Many servers close idle connections after 5 s. A server under load may close one although it contains an unread request,
 * and the outcome of that call is unknown. The gateway therefore closes idle connections well before.
 */
const IDLE_TIMEOUT_MS = 2_000;

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

/**
 * Sends requests to one server over HTTP. Calls share a bounded pool; messages that must not wait behind calls
 * (cancellations, answers, long streams) use a second, unbounded pool. Redirects are not followed.
 */
export class HttpChannel {
  readonly url: URL;
  readonly headers: readonly string[];
  private readonly callPool: Pool;
  private readonly sidePool: Pool;
  /** Its connections are not kept: each request has a new one. */
  private readonly freshPool: Pool;
  private readonly path: string;
  private readonly context: HttpExchangeContext;
  private readonly onCallOver = (): void => void this.running--;
  private running = 0;
  private leases = 0;
  private retired = false;
  private readonly whenClosed = Promise.withResolvers<void>();

  constructor(
    definition: HttpDestination,
    private readonly limits: HttpChannelLimits,
    deadlines: Deadlines,
    guard: AddressGuard,
    readonly reportFailure: (detail: string) => void = NOTHING,
  ) {
    this.url = new URL(definition.url);
    this.context = { limits, deadlines, reportFailure };
    this.path = this.url.pathname + this.url.search;
    this.headers = [
      ...toConfiguredHeaders(definition.headers, this.url),
      'accept-encoding',
      acceptedCodings(definition),
    ];
    const connection = { timeout: definition.timeouts.connectMs, allowH2: false };
    const options = {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connect: definition.guarded === true ? guardedConnector(guard, connection) : connection,
      allowH2: false,
    };
    this.callPool = new Pool(this.url.origin, { ...options, connections: limits.maxConnections });
    this.sidePool = new Pool(this.url.origin, { ...options, connections: null });
    this.freshPool = new Pool(this.url.origin, {
      ...options,
      connections: null,
      keepAliveTimeout: 1,
      keepAliveMaxTimeout: 1,
    });
  }

  /** True when no further call may be sent until one has ended. */
  get full(): boolean {
    return this.running >= this.limits.maxCalls;
  }

  /** Sends a call as a POST. The call waits when every connection is busy. */
  postCall(headers: string[], body: string, receiver: HttpReceiver, path = this.path): HttpExchange {
    return this.sendCall({ method: 'POST', path, headers, body }, receiver);
  }

  /** Sends a call of any HTTP method. The call waits when every connection is busy. The caller enforces its timeout. */
  sendCall(request: Omit<HttpRequest, 'timeoutMs'>, receiver: HttpReceiver): HttpExchange {
    const { method, headers, body, path = this.path } = request;
    this.running++;
    const exchange = new HttpExchange(receiver, this.context, this.onCallOver);
    this.dispatch(this.callPool, { method, path, headers, body }, exchange, receiver);
    return exchange;
  }

  /** Sends a request that does not wait behind calls. */
  sendUnqueued(request: HttpRequest, receiver: HttpReceiver): HttpExchange {
    const { method, headers, body, path = this.path, timeoutMs } = request;
    const exchange = new HttpExchange(receiver, this.context, NOTHING, timeoutMs);
    this.dispatch(this.sidePool, { method, path, headers, body }, exchange, receiver);
    return exchange;
  }

  private dispatch(
    pool: Pool,
    options: Dispatcher.DispatchOptions,
    exchange: HttpExchange,
    { mayRepeat }: HttpReceiver,
  ): void {
    if (mayRepeat === true) exchange.repeat = () => void this.freshPool.dispatch(options, exchange);
    pool.dispatch(options, exchange);
  }

  /** Keeps the channel open for a connection. Returns the function that releases the lease. */
  lease(): () => void {
    this.leases++;
    let isLeased = true;
    return () => {
      if (!isLeased) return;
      isLeased = false;
      this.leases--;
      if (this.retired && this.leases === 0) this.close();
    };
  }

  /** Closes the channel once the last lease is released; `closed` resolves then. */
  retire(): void {
    this.retired = true;
    if (this.leases === 0) this.close();
  }

  /** Resolves when no TCP connection is left. */
  get closed(): Promise<void> {
    return this.whenClosed.promise;
  }

  /** Closes the channel immediately and aborts all exchanges. */
  async destroy(): Promise<void> {
    await Promise.all([this.callPool.destroy(), this.sidePool.destroy(), this.freshPool.destroy()]);
    this.whenClosed.resolve();
  }

  /** Closes the channel after its exchanges have ended. */
  private close(): void {
    Promise.all([this.callPool.close(), this.sidePool.close(), this.freshPool.close()]).then(
      () => this.whenClosed.resolve(),
      NOTHING,
    );
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
