import { Pool } from 'undici';
import type { RemoteServer } from '../../../registry/index.js';
import type { Deadlines } from '../deadlines.js';
import { guardedConnector, type AddressGuard } from '../guard/index.js';
import { HttpExchange, type HttpLimits, type HttpReceiver } from './http-exchange.js';

export interface HttpChannelLimits extends HttpLimits {
  /** Calls that may run at one server at a time, each on a TCP connection of its own. */
  readonly maxConnections: number;
  /** Calls that may run or wait for a connection at one server; more are refused. */
  readonly maxCalls: number;
}

/** Where requests go, and what each of them carries. */
export type HttpDestination = Pick<RemoteServer, 'url' | 'headers' | 'timeouts' | 'guarded'>;

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Name, value, name, value; the definition's own headers included. */
  readonly headers: string[];
  readonly body: string | null;
  /** Path and query, when not the server's own. */
  readonly path?: string;
  /** Time until the answer is complete, or until its event stream is told to stay open. */
  readonly limitMs?: number;
}

/**
 * How long a connection stays open without a request, in milliseconds, when the server does not announce its own timeout.
 * Many servers close idle connections after 5 s, and a server that is short of processor time closes one with a request in
 * it that it has not read: the outcome of that call is unknown. This side closes long before.
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
 * The way to one server over HTTP. Calls share a bounded pool; whatever must not wait behind them (cancellations,
 * answers, long streams) goes beside it. Redirects are not followed and compression is not asked for.
 */
export class HttpChannel {
  readonly url: URL;
  readonly headers: readonly string[];
  private readonly calls: Pool;
  private readonly beside: Pool;
  private readonly path: string;
  private readonly onCallOver = (): void => void this.running--;
  private running = 0;
  private leases = 0;
  private retired = false;
  private readonly end = Promise.withResolvers<void>();

  constructor(
    definition: HttpDestination,
    private readonly limits: HttpChannelLimits,
    readonly deadlines: Deadlines,
    guard: AddressGuard,
  ) {
    this.url = new URL(definition.url);
    this.path = this.url.pathname + this.url.search;
    this.headers = ownHeaders(definition.headers, this.url);
    const connection = { timeout: definition.timeouts.connectMs, allowH2: false };
    const options = {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connect: definition.guarded === true ? guardedConnector(guard, connection) : connection,
      allowH2: false,
    };
    this.calls = new Pool(this.url.origin, { ...options, connections: limits.maxConnections });
    this.beside = new Pool(this.url.origin, { ...options, connections: null });
  }

  /** No further call may be sent until one has ended. */
  get full(): boolean {
    return this.running >= this.limits.maxCalls;
  }

  /** Sends a call. It waits its turn when every connection is busy. */
  call(headers: string[], body: string, receiver: HttpReceiver, path = this.path): HttpExchange {
    return this.queue({ method: 'POST', path, headers, body }, receiver);
  }

  /** Sends a call of any method; it waits its turn as every other. How long it may take is its caller's business. */
  queue(request: Omit<HttpRequest, 'limitMs'>, receiver: HttpReceiver): HttpExchange {
    const { method, headers, body, path = this.path } = request;
    this.running++;
    const exchange = new HttpExchange(receiver, this.limits, this.deadlines, this.onCallOver);
    this.calls.dispatch({ method, path, headers, body }, exchange);
    return exchange;
  }

  /** Sends something that waits behind no call. */
  send(request: HttpRequest, receiver: HttpReceiver): HttpExchange {
    const { method, headers, body, path = this.path, limitMs } = request;
    const exchange = new HttpExchange(receiver, this.limits, this.deadlines, NOTHING, limitMs);
    this.beside.dispatch({ method, path, headers, body }, exchange);
    return exchange;
  }

  /** A connection that uses the channel keeps it open. Returns how to give it back. */
  lease(): () => void {
    this.leases++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.leases--;
      if (this.retired && this.leases === 0) this.close();
    };
  }

  /** Closes once nobody uses it; `closed` resolves then. */
  retire(): void {
    this.retired = true;
    if (this.leases === 0) this.close();
  }

  /** Resolves when no connection is left. */
  get closed(): Promise<void> {
    return this.end.promise;
  }

  /** Ends at once, and with it all that is under way. */
  async destroy(): Promise<void> {
    await Promise.all([this.calls.destroy(), this.beside.destroy()]);
    this.end.resolve();
  }

  /** Lets what is under way end first. */
  private close(): void {
    Promise.all([this.calls.close(), this.beside.close()]).then(() => this.end.resolve(), NOTHING);
  }
}

const NOTHING = (): void => undefined;

function ownHeaders(configured: Readonly<Record<string, string>>, url: URL): string[] {
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
