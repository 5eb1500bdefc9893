import { RedisConnections, RedisKeys, type RedisAccess, type RedisPlace } from '#lib/redis';
import type { RunningRedis } from '#lib/testing/redis-server';
import { RedisRelay } from './index.js';
import type { RelayUnderTest } from './relay-contract-fixture.js';

export interface RedisWorldOptions {
  readonly access?: Partial<RedisAccess>;
  readonly prefix?: string;
  /** What is stopped at the end, beside the relays. */
  readonly servers?: readonly { stop(): Promise<void> }[];
}

/** Relays over a Redis of the test's own, one for each worker. */
export class RedisWorld implements RelayUnderTest {
  private readonly opened: RedisConnections[] = [];

  constructor(
    private readonly place: RedisPlace,
    private readonly options: RedisWorldOptions = {},
  ) {}

  static around(redis: RunningRedis, options: RedisWorldOptions = {}): RedisWorld {
    return new RedisWorld(
      { kind: 'single', address: { host: '127.0.0.1', port: redis.port } },
      { servers: [redis], ...options },
    );
  }

  /** A relay that is connected. */
  async connect(): Promise<RedisRelay> {
    const relay = this.open();
    await eventually(() => relay.living());
    return relay;
  }

  /** A relay that has only begun to connect. */
  open(): RedisRelay {
    const connections = new RedisConnections(this.place, { database: 0, ...this.options.access });
    this.opened.push(connections);
    return new RedisRelay(connections, new RedisKeys(this.options.prefix ?? 'isthmus:'));
  }

  async close(): Promise<void> {
    for (const connections of this.opened) connections.close();
    await Promise.all((this.options.servers ?? []).map((server) => server.stop()));
  }
}

/** Asks again until it is answered. */
export async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
