import { setTimeout as pause } from 'node:timers/promises';
import { RedisConnections, RedisKeys } from '#lib/redis';
import type { RedisAccess, RedisTopology } from '#lib/redis/testing';
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
  /** Servers to stop at the end, in addition to the relays. */
  readonly servers?: readonly { stop(): Promise<void> }[];
}

/** Relays over the Redis of a test, one for each worker. */
export class RedisWorld implements RelayUnderTest {
  private readonly opened: RedisConnections[] = [];

  constructor(
    private readonly topology: RedisTopology,
    private readonly options: RedisWorldOptions = {},
  ) {}

  /** Uses one server, which keeps running at the end. */
  static at(port: number, options: RedisWorldOptions = {}): RedisWorld {
    return new RedisWorld({ kind: 'single', address: { host: LOCAL, port } }, options);
  }

  /** Uses one server, which is stopped at the end. */
  static owning(redis: RunningRedis, options: RedisWorldOptions = {}): RedisWorld {
    return RedisWorld.at(redis.port, { servers: [redis], ...options });
  }

  /** Opens a relay and waits until it is connected. */
  async connect(): Promise<RedisRelay> {
    const relay = this.open();
    await eventually(() => relay.aliveWorkers());
    return relay;
  }

  /** Opens a relay that may not be connected yet. */
  open(): RedisRelay {
    const connections = new RedisConnections(this.topology, { database: 0, ...this.options.access });
    this.opened.push(connections);
    return new RedisRelay(connections, new RedisKeys(this.options.prefix ?? 'isthmus:'));
  }

  async close(): Promise<void> {
    for (const connections of this.opened) connections.close();
    await Promise.all((this.options.servers ?? []).map((server) => server.stop()));
  }
}

/** A worker that sends frames to itself, to detect whether frames arrive. */
export class EchoWorker implements Mailbox {
  private received = 0;

  constructor(
    private readonly relay: Relay,
    private readonly worker: string,
  ) {}

  request(): void {
    this.received += 1;
  }

  reply(): void {
    // Only the inbox is counted.
  }

  listen(): Promise<void> {
    return this.relay.listen(this.worker, this);
  }

  /**
   * Resolves when a frame arrives that was published after this call. It publishes repeatedly, because Redis may
   * deliver a frame to a broken connection that it has not detected yet.
   */
  async untilFrameReceived(): Promise<void> {
    const before = this.received;
    await this.until(async () => {
      await this.relay.publish({ worker: this.worker, box: 'inbox' }, Buffer.from('echo')).catch(() => 0);
      return this.received > before;
    });
  }

  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await pause(POLL_INTERVAL_MS);
  }
}

/** Repeats a call until it succeeds. */
export async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch {
      await pause(POLL_INTERVAL_MS);
    }
  }
}
