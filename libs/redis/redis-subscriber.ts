import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { OutageLog } from './outage-log.js';
import type { RedisAddress } from './redis-address.js';
import { messageOf } from './redis-commands.js';
import { RedisFault } from './redis-fault.js';
import { reconnectDelayMs } from './redis-options.js';

/** How often a subscription is checked: a silent connection does not report that the other end has vanished. */
const HEARTBEAT_INTERVAL_MS = 1_000;
/** Maximum duration of one attempt: finding the master, and connecting to it. */
const CONNECT_ATTEMPT_TIMEOUT_MS = 3_000;

/** Channels of a subscriber and its callbacks, which must not throw. */
export interface Subscription {
  /** All of one slot in a cluster. */
  readonly channels: readonly string[];
  onFrame(channel: string, frame: Buffer): void;
  /** The subscription is established, for the first time or again: frames published before are lost. */
  onSubscribed(): void;
  /** The subscription was established and is lost. */
  onLost(): void;
}

/** The servers of a subscriber. */
export interface SubscriberServers {
  /** Servers to try first, at least one. */
  readonly seeds: readonly RedisAddress[];
  /** True if each channel belongs to one cluster node. */
  readonly isSharded: boolean;
  /** Creates a connection that is not opened yet and never reconnects by itself. */
  open(address: RedisAddress): Redis;
}

/**
 * Keeps channels subscribed over a separate connection: a broken connection is replaced, in a cluster at the node that
 * owns the channels.
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

  /** Resolves once subscribed; rejects with RedisFault if the first attempt fails, and keeps trying. */
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
        // One redirection of a cluster is not an outage; repeated ones are.
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
    // The promises of commands and connection report errors; an error event without a listener would end the process.
    link.on('error', () => undefined);
    const { channels } = this.subscription;
    link.on(this.servers.isSharded ? 'smessageBuffer' : 'messageBuffer', (channel: Buffer, frame: Buffer) => {
      if (!this.closing.signal.aborted) this.subscription.onFrame(channel.toString(), frame);
    });
    await withTimeout(link.connect());
    rejectReplica(await link.info('replication'));
    // One command for all channels, so that either all of them are subscribed or none.
    await (this.servers.isSharded ? link.ssubscribe(...channels) : link.subscribe(...channels));
    if (this.closing.signal.aborted) throw new Error('The subscriber was closed.');
    this.subscribed = true;
    this.outage.recovered();
    this.subscription.onSubscribed();
  }

  private async waitUntilLost(link: Redis): Promise<void> {
    // The slot of the channels moved to another node, which needs a new subscription.
    link.once('moved', () => link.disconnect());
    const over = Promise.withResolvers<void>();
    const heartbeat = setInterval(() => {
      if (link.status === 'ready') return void checkMaster(link);
      // The connection has been closing since the last check: its end event may never come.
      return over.resolve();
    }, HEARTBEAT_INTERVAL_MS).unref();
    // Not `once` of node:events, which rejects if an error event precedes the end.
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

/** Limits the time of connecting: an attempt that a fail-over interrupts may neither succeed nor fail. */
async function withTimeout(connecting: Promise<void>): Promise<void> {
  const late = new AbortController();
  const timeout = pause(CONNECT_ATTEMPT_TIMEOUT_MS, undefined, { signal: late.signal, ref: false }).then(
    // What has arrived while this process was busy must be read first.
    () => nextTurn().then(() => Promise.reject(new Error('Connecting to Redis timed out.'))),
    () => undefined,
  );
  try {
    await Promise.race([connecting, timeout]);
  } finally {
    late.abort();
  }
}

/**
 * Checks that the server is still a master. The socket timeout closes a connection to an unresponsive server; a server
 * that forbids INFO to subscribers is tolerated.
 */
async function checkMaster(link: Redis): Promise<void> {
  try {
    rejectReplica(await link.info('replication'));
  } catch (error) {
    if (error instanceof ConnectedToReplica) link.disconnect();
  }
}

/** A replica is refused, because the receiver counts of the master do not include its subscribers. */
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

/** Reads the address to which a cluster node, or a replica, redirects a subscriber. */
function readRedirection(error: unknown, from: RedisAddress): RedisAddress | undefined {
  const place = error instanceof ConnectedToReplica ? error.master : /^MOVED \d+ (.*)$/.exec(messageOf(error))?.[1];
  const [, host = '', port] = /^(.*):(\d+)$/.exec(place ?? '') ?? [];
  if (port === undefined) return undefined;
  // An empty host means the node that replied, at another port.
  return { host: host === '' || host === '?' ? from.host : host, port: Number(port) };
}
