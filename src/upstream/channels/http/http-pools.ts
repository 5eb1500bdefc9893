import { Pool } from 'undici';
import { guardedConnector, type AddressGuard } from '#lib/address-guard';
import type { RemoteServer, RestServer } from '../../../registry/index.js';
import type { Deadlines } from '../deadlines.js';
import type { HttpLimits } from './http-exchange.js';

export interface HttpChannelLimits extends HttpLimits {
  /** Maximum number of concurrent calls at one server, each on its own TCP connection. */
  readonly maxConnections: number;
  /** Maximum number of calls that run or wait for a connection at one server; further calls are rejected. */
  readonly maxCalls: number;
}

/** The target of requests, and the headers that each of them carries. */
export type HttpDestination = Pick<RemoteServer | RestServer, 'transport' | 'url' | 'headers' | 'timeouts' | 'guarded'>;

/**
 * How long a connection stays open without a request, in milliseconds, when the server does not announce its own timeout.
 * Many servers close idle connections after 5 s. A server under load may close one although it contains an unread request,
 * and the outcome of that call is unknown. The gateway therefore closes idle connections well before.
 */
const IDLE_TIMEOUT_MS = 2_000;

/** The TCP connections to one server. All its channels share them, and their bounds. */
export class HttpPools {
  readonly calls: Pool;
  /** For what must not wait behind calls: cancellations, answers, long streams. */
  readonly side: Pool;
  /** Its connections are not kept: each request has a new one. */
  readonly fresh: Pool;
  /** Number of calls that run or wait for a connection. */
  running = 0;
  private leases = 0;
  private retired = false;
  private readonly whenClosed = Promise.withResolvers<void>();

  constructor(
    { url, timeouts, guarded }: HttpDestination,
    readonly limits: HttpChannelLimits,
    readonly deadlines: Deadlines,
    guard: AddressGuard,
  ) {
    const { origin } = new URL(url);
    const connection = { timeout: timeouts.connectMs, allowH2: false };
    const options = {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connect: guarded === true ? guardedConnector(guard, connection) : connection,
      allowH2: false,
    };
    this.calls = new Pool(origin, { ...options, connections: limits.maxConnections });
    this.side = new Pool(origin, { ...options, connections: null });
    this.fresh = new Pool(origin, { ...options, connections: null, keepAliveTimeout: 1, keepAliveMaxTimeout: 1 });
  }

  /** Keeps the connections for a user. Returns the function that releases the lease. */
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

  /** Closes the connections once the last lease is released; `closed` resolves then. */
  retire(): void {
    this.retired = true;
    if (this.leases === 0) this.close();
  }

  /** Resolves when no TCP connection is left. */
  get closed(): Promise<void> {
    return this.whenClosed.promise;
  }

  /** Closes the connections immediately and aborts all exchanges. */
  async destroy(): Promise<void> {
    await Promise.all([this.calls.destroy(), this.side.destroy(), this.fresh.destroy()]);
    this.whenClosed.resolve();
  }

  /** Closes the connections after their exchanges have ended. */
  private close(): void {
    Promise.all([this.calls.close(), this.side.close(), this.fresh.close()]).then(
      () => this.whenClosed.resolve(),
      () => undefined,
    );
  }
}
