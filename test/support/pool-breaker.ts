import { jest } from '@jest/globals';
import { RpcRawClient, type RawAnswer } from '#lib/testing/raw-client';
import { UpstreamPool, type HeldConnection } from '../../src/connections/index.js';
import type { GatewayPair } from './gateway-pair.js';

/** How a worker fails those that have a part in its connections. */
type Failing = { readonly at: 'opening' | 'calls'; readonly cause: unknown };

/**
 * Stands in the owner of a pair, where it serves what the other worker asks of its connections. What the owner does for
 * its own clients it leaves alone.
 */
export class PoolBreaker {
  private asked = 0;
  private readonly clients: RpcRawClient[] = [];
  private failing: Failing | undefined;
  private readonly known = new WeakSet<HeldConnection['connection']>();

  constructor(private readonly pair: GatewayPair) {
    const pool = pair.owner.get(UpstreamPool, { strict: false });
    const hold = pool.hold.bind(pool);
    jest.spyOn(pool, 'hold').mockImplementation(async (server, face, options) => {
      if (options?.forceLocal !== true) return hold(server, face, options);
      this.asked += 1;
      if (this.failing?.at === 'opening') throw this.failing.cause;
      const held = await hold(server, face, options);
      this.standBefore(held.connection);
      return held;
    });
  }

  break(failing: Failing | undefined): void {
    this.failing = failing;
  }

  /**
   * A client of the server `ref` that asks the other worker, of a principal whose connections are at the owner, with the
   * answer to its first call. Where that is is a matter of luck: tries one principal after the other.
   */
  async newClient(): Promise<{ readonly client: RpcRawClient; readonly answer: RawAnswer }> {
    const before = this.asked;
    for (;;) {
      const token = await this.pair.token({ subject: crypto.randomUUID() });
      const client = new RpcRawClient(`${this.pair.otherUrl}/servers/ref/rpc`, { token });
      this.clients.push(client);
      const answer = await markedCall(client, crypto.randomUUID());
      if (this.asked > before) return { client, answer };
    }
  }

  /** Ends its clients. */
  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  private standBefore(connection: HeldConnection['connection']): void {
    if (this.known.has(connection)) return;
    this.known.add(connection);
    const request = connection.request.bind(connection);
    jest.spyOn(connection, 'request').mockImplementation(async (asked, reply, signal) => {
      if (asked.method === 'tools/call' && this.failing?.at === 'calls') throw this.failing.cause;
      return request(asked, reply, signal);
    });
  }
}

/** A call that a counting server tells from others by its mark. */
export function markedCall(client: RpcRawClient, mark: string): Promise<RawAnswer> {
  return client.request('tools/call', { name: 'echo', arguments: { text: mark, call: mark } });
}
