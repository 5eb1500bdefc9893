import { setTimeout as pause } from 'node:timers/promises';
import { RedisConnections, RedisKeys, type RedisAccess, type RedisPlace } from '#lib/redis';
import type { RunningRedis } from '#lib/testing/redis-server';
import type { Mailbox, Relay } from '../ports/index.js';
import { RedisRelay } from './index.js';
import type { RelayUnderTest } from './relay-contract-fixture.js';

export const LOCAL = '127.0.0.1';
/** A loop without a pause would take a core from the processes that it waits for. */
const POLL_INTERVAL_MS = 5;

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

  /** Over one server, which is left alone at the end. */
  static at(port: number, options: RedisWorldOptions = {}): RedisWorld {
    return new RedisWorld({ kind: 'single', address: { host: LOCAL, port } }, options);
  }

  /** Over one server, which is stopped at the end. */
  static around(redis: RunningRedis, options: RedisWorldOptions = {}): RedisWorld {
    return RedisWorld.at(redis.port, { servers: [redis], ...options });
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

/** A worker that writes to itself, to see whether frames arrive. */
export class Echo implements Mailbox {
  private heard = 0;

  constructor(
    private readonly relay: Relay,
    private readonly worker: string,
  ) {}

  request(): void {
    this.heard += 1;
  }

  reply(): void {
    // Only what is asked of it counts.
  }

  listen(): Promise<void> {
    return this.relay.listen(this.worker, this);
  }

  /**
   * Resolves when a frame arrives that was published after this call. Many are: one may be counted as received by a
   * connection of which Redis does not know yet that it is gone.
   */
  async untilHeard(): Promise<void> {
    const before = this.heard;
    await this.until(async () => {
      await this.relay.publish({ worker: this.worker, box: 'inbox' }, Buffer.from('echo')).catch(() => 0);
      return this.heard > before;
    });
  }

  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await pause(POLL_INTERVAL_MS);
  }
}

/** Asks again until it is answered. */
export async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await pause(POLL_INTERVAL_MS);
    }
  }
}
