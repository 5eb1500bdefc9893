import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { OutageLog } from './outage-log.js';
import type { RedisAddress } from './redis-address.js';
import { messageOf } from './redis-commands.js';
import { RedisFault } from './redis-fault.js';
import { reconnectDelayMs } from './redis-options.js';

/** How often a connection that only listens is looked at: nothing else would tell that the other end is gone. */
const HEARTBEAT_INTERVAL_MS = 1_000;
/** An attempt that has led to nothing for so long is given up: finding the master, and connecting to it. */
const CONNECT_ATTEMPT_TIMEOUT_MS = 3_000;

/** What a subscriber listens to, and who hears of it. Nobody called back may throw. */
export interface Subscription {
  /** In a cluster, of one slot. */
  readonly channels: readonly string[];
  onFrame(channel: string, frame: Buffer): void;
  /** The subscription is there, for the first time or again: what was published before is missed. */
  onSubscribed(): void;
  /** The subscription was there and is not any more. */
  onLost(): void;
}

/** How to reach the servers. */
export interface SubscriberServers {
  /** Servers to begin at, at least one. */
  readonly seeds: readonly RedisAddress[];
  /** Whether channels live on one node of a cluster each. */
  readonly isSharded: boolean;
  /** A connection that was not opened yet and never comes back by itself. */
  open(address: RedisAddress): Redis;
}

/**
 * Listens to channels over a connection of its own, for ever: a connection that broke is replaced by a new one, in a
 * cluster at the node that the channels live on.
 */
export class RedisSubscriber {
  private readonly closing = new AbortController();
  private link: Redis | undefined;
  private subscribed = false;

  constructor(
    private readonly subscription: Subscription,
    private readonly servers: SubscriberServers,
    private readonly outage: OutageLog,
  ) {}

  get isSubscribed(): boolean {
    return this.subscribed;
  }

  /** Resolves once it is subscribed; rejects with RedisFault when the first attempt fails, and goes on trying. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      void this.keepSubscribed(resolve, (reason) => reject(new RedisFault(false, reason)));
    });
  }

  close(): void {
    this.closing.abort();
    this.subscribed = false;
    this.link?.disconnect();
  }

  private async keepSubscribed(succeeded: () => void, failed: (reason: string) => void): Promise<void> {
    let address = this.seed(0);
    for (let attempt = 1; !this.closing.signal.aborted; attempt += 1) {
      const link = this.servers.open(address);
      this.link = link;
      try {
        await this.subscribe(link);
        succeeded();
        attempt = 0;
        await this.waitUntilLost(link);
      } catch (error) {
        const elsewhere = readRedirection(error, address);
        const reason = this.outage.redact(messageOf(error));
        link.disconnect();
        address = elsewhere ?? this.seed(attempt);
        // A cluster that says where to go is no outage; one that sends in circles is.
        if (elsewhere !== undefined && attempt === 1) continue;
        if (!this.closing.signal.aborted) this.outage.failed(reason);
        failed(reason);
      }
      await pause(reconnectDelayMs(attempt), undefined, { signal: this.closing.signal }).catch(() => undefined);
    }
    failed('The subscriber was closed.');
  }

  private seed(attempt: number): RedisAddress {
    const { seeds } = this.servers;
    return seeds[attempt % seeds.length] ?? { host: '127.0.0.1', port: 0 };
  }

  private async subscribe(link: Redis): Promise<void> {
    // An error is told by the promise of the command or of the connection; unheard it would end the process.
    link.on('error', () => undefined);
    const { channels } = this.subscription;
    link.on(this.servers.isSharded ? 'smessageBuffer' : 'messageBuffer', (channel: Buffer, frame: Buffer) => {
      if (!this.closing.signal.aborted) this.subscription.onFrame(channel.toString(), frame);
    });
    await withTimeout(link.connect());
    rejectReplica(await link.info('replication'));
    // Several channels are one command, so that both are there or none.
    await (this.servers.isSharded ? link.ssubscribe(...channels) : link.subscribe(...channels));
    if (this.closing.signal.aborted) throw new Error('The subscriber was closed.');
    this.subscribed = true;
    this.outage.recovered();
    this.subscription.onSubscribed();
  }

  private async waitUntilLost(link: Redis): Promise<void> {
    // The slot of the channels went to another node, which takes a subscription of its own.
    link.once('moved', () => link.disconnect());
    const over = Promise.withResolvers<void>();
    const heartbeat = setInterval(() => {
      if (link.status === 'ready') return void checkMaster(link);
      // It has been on its way out since the last look, or longer: its end may never be told.
      return over.resolve();
    }, HEARTBEAT_INTERVAL_MS).unref();
    // Not `once` of Node, which takes an error that precedes the end for a failure of its own.
    if (link.status === 'end') over.resolve();
    else link.once('end', over.resolve);
    await over.promise;
    clearInterval(heartbeat);
    link.disconnect();
    if (this.closing.signal.aborted) return;
    this.subscribed = false;
    this.outage.failed('the connection was closed');
    this.subscription.onLost();
  }
}

/** A connection whose making is cut short from elsewhere, by a fail-over perhaps, may neither succeed nor fail. */
async function withTimeout(connecting: Promise<void>): Promise<void> {
  const late = new AbortController();
  const giveUp = pause(CONNECT_ATTEMPT_TIMEOUT_MS, undefined, { signal: late.signal, ref: false }).then(
    () => Promise.reject(new Error('Connecting takes too long.')),
    () => undefined,
  );
  try {
    await Promise.race([connecting, giveUp]);
  } finally {
    late.abort();
  }
}

/**
 * Asks whether the server is still a master. A server that owes the answer for too long is given up; one that does not
 * let a listener ask is left alone.
 */
async function checkMaster(link: Redis): Promise<void> {
  try {
    rejectReplica(await link.info('replication'));
  } catch (error) {
    if (error instanceof ConnectedToReplica) link.disconnect();
  }
}

/** What a replica hears it cannot count among the receivers that the master counts. */
class ConnectedToReplica extends Error {
  constructor(readonly master: string) {
    super(`This server is a replica; the master is ${master}.`);
  }
}

function rejectReplica(replication: string): void {
  if (!/^role:slave\b/m.test(replication)) return;
  const [, host = ''] = /^master_host:(.*?)\r?$/m.exec(replication) ?? [];
  const [, port = ''] = /^master_port:(\d+)/m.exec(replication) ?? [];
  throw new ConnectedToReplica(`${host}:${port}`);
}

/** Where a node of a cluster sends those whose channels live elsewhere. */
function readRedirection(error: unknown, from: RedisAddress): RedisAddress | undefined {
  const place = error instanceof ConnectedToReplica ? error.master : /^MOVED \d+ (.*)$/.exec(messageOf(error))?.[1];
  const [, host = '', port] = /^(.*):(\d+)$/.exec(place ?? '') ?? [];
  if (port === undefined) return undefined;
  // An empty name means the node that was asked, at another port.
  return { host: host === '' || host === '?' ? from.host : host, port: Number(port) };
}
