import { jest } from '@jest/globals';
import { RpcRawClient, type RawAnswer } from '#lib/testing/raw-client';
import { UpstreamPool, type HeldConnection } from '../../src/connections/index.js';
import type { GatewayPair } from './gateway-pair.js';

/** A fault of the owner worker, when it opens a shared connection or executes a call on it. */
type InjectedFault = { readonly at: 'opening' | 'calls'; readonly cause: unknown };

/**
 * Injects faults into the owner of a pair, where it serves the other worker's requests for its connections. Requests of
 * the owner's own clients are not affected.
 */
export class ConnectionFaultInjector {
  private heldForOthers = 0;
  private readonly clients: RpcRawClient[] = [];
  private fault: InjectedFault | undefined;
  private readonly intercepted = new WeakSet<HeldConnection['connection']>();

  constructor(private readonly pair: GatewayPair) {
    const pool = pair.owner.get(UpstreamPool, { strict: false });
    const hold = pool.hold.bind(pool);
    jest.spyOn(pool, 'hold').mockImplementation(async (server, face, options) => {
      if (options?.forceLocal !== true) return hold(server, face, options);
      this.heldForOthers += 1;
      if (this.fault?.at === 'opening') throw this.fault.cause;
      const held = await hold(server, face, options);
      this.intercept(held.connection);
      return held;
    });
  }

  setFault(failing: InjectedFault | undefined): void {
    this.fault = failing;
  }

  /**
   * Creates a client at the other worker whose connections are at the owner, and returns it with the answer to its
   * first call. The placement depends on the principal, so this tries one principal after the other.
   */
  async newClient(): Promise<{ readonly client: RpcRawClient; readonly answer: RawAnswer }> {
    const before = this.heldForOthers;
    for (;;) {
      const token = await this.pair.token({ subject: crypto.randomUUID() });
      const client = new RpcRawClient(`${this.pair.otherUrl}/servers/ref/rpc`, { token });
      this.clients.push(client);
      const answer = await markedCall(client, crypto.randomUUID());
      if (this.heldForOthers > before) return { client, answer };
    }
  }

  /** Closes all clients. */
  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  private intercept(connection: HeldConnection['connection']): void {
    if (this.intercepted.has(connection)) return;
    this.intercepted.add(connection);
    const request = connection.request.bind(connection);
    jest.spyOn(connection, 'request').mockImplementation(async (asked, reply, signal) => {
      if (asked.method === 'tools/call' && this.fault?.at === 'calls') throw this.fault.cause;
      return request(asked, reply, signal);
    });
  }
}

/** Makes a call that a counting server identifies by its mark. */
export function markedCall(client: RpcRawClient, mark: string): Promise<RawAnswer> {
  return client.request('tools/call', { name: 'echo', arguments: { text: mark, call: mark } });
}
