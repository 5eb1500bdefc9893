import { Logger } from '@nestjs/common';
import { Cluster, type Redis } from 'ioredis';
import type { OutageLog } from './outage-log.js';
import { RedisFault } from './redis-fault.js';
import { COMMAND_TIMEOUT_MS, reconnectDelayMs } from './redis-options.js';
import type { RedisScript } from './redis-script.js';

/** Argument of a command or script. */
export type RedisArgument = string | number | Buffer;
type Invocation = (...args: RedisArgument[]) => Promise<unknown>;

/** Message of ioredis if it did not send the command. */
const NOT_WRITTEN = "Stream isn't writeable";

/**
 * A connection for commands, which are pipelined in order. It reconnects by itself without limit; while it is not
 * connected, every command rejects at once.
 */
export class RedisCommands {
  private readonly logger = new Logger('Redis');
  private readonly lostListeners = new Set<() => void>();
  private readonly readyListeners = new Set<() => void>();
  private readonly loggedRefusals = new Set<string>();
  private isClosed = false;
  private reconnectTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly client: Redis | Cluster,
    private readonly outage: OutageLog,
  ) {
    client.on('ready', () => this.noteReady());
    client.on('close', () => this.noteLost('the connection was closed'));
    client.on('error', (error: Error) => this.noteError(error));
    client.on('end', () => this.reconnect());
    if (client instanceof Cluster) {
      client.on('node error', (error: Error) => this.noteError(error));
      client.on('-node', () => this.notify(this.lostListeners));
    }
    this.connect();
  }

  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  /** Sends a command. Rejects with RedisFault. */
  send(command: string, ...args: RedisArgument[]): Promise<unknown> {
    return this.execute(() => this.client.call(command, args));
  }

  /** Runs a script atomically. Rejects with RedisFault. */
  run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    const counted = script.numberOfKeys === undefined ? [keys.length, ...keys] : keys;
    return this.execute(() => this.toInvocation(script)(...counted, ...args));
  }

  /** Returns a section of INFO of each master. Rejects with RedisFault. */
  info(section: string): Promise<readonly string[]> {
    const servers = this.client instanceof Cluster ? this.client.nodes('master') : [this.client];
    return this.execute(() => Promise.all(servers.map((server) => server.info(section))));
  }

  /** Calls `listener` when a connection breaks. Returns a function that removes the listener. */
  onLost(listener: () => void): () => void {
    this.lostListeners.add(listener);
    return () => this.lostListeners.delete(listener);
  }

  /** Calls `listener` whenever commands can be sent (again). Returns a function that removes the listener. */
  onReady(listener: () => void): () => void {
    this.readyListeners.add(listener);
    return () => this.readyListeners.delete(listener);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.reconnectTimer);
    this.client.disconnect();
  }

  private connect(): void {
    this.client.connect().catch(() => undefined);
  }

  /**
   * ioredis gives up when Sentinels announce a new master while it asks them for the master: its attempt to connect ends
   * without a retry.
   */
  private reconnect(): void {
    if (this.isClosed) return;
    clearTimeout(this.reconnectTimer);
    this.reconnectTimer = setTimeout(() => this.connect(), reconnectDelayMs(1)).unref();
  }

  private async execute<T>(send: () => Promise<T>): Promise<T> {
    if (!this.isReady) throw new RedisFault(false, 'Redis is not connected.');
    try {
      return await withTimeout(send());
    } catch (error) {
      const message = this.outage.redact(messageOf(error));
      if (error instanceof Error && error.name === 'ReplyError') this.logRefusal(message);
      throw new RedisFault(!message.startsWith(NOT_WRITTEN), message);
    }
  }

  private toInvocation(script: RedisScript): Invocation {
    const name = `isthmus:${script.name}`;
    if (!(name in this.client)) {
      const { lua, numberOfKeys } = script;
      this.client.defineCommand(name, numberOfKeys === undefined ? { lua } : { lua, numberOfKeys });
    }
    // defineCommand adds a method that the type does not declare.
    const method = Reflect.get(this.client, name) as Invocation;
    return method.bind(this.client);
  }

  /** Logs that Redis rejected a command (out of memory, no permission): once per kind until the next reconnection. */
  private logRefusal(message: string): void {
    const [kind = ''] = message.split(' ');
    if (this.loggedRefusals.has(kind)) return;
    this.loggedRefusals.add(kind);
    this.logger.error(`Redis rejected a command: ${message}`);
  }

  private noteReady(): void {
    this.loggedRefusals.clear();
    this.outage.recovered();
    this.notify(this.readyListeners);
  }

  private noteError(error: Error): void {
    if (!this.isClosed && !this.isReady) this.outage.failed(messageOf(error));
  }

  private noteLost(reason: string): void {
    if (this.isClosed) return;
    this.outage.failed(reason);
    this.notify(this.lostListeners);
  }

  private notify(listeners: ReadonlySet<() => void>): void {
    if (!this.isClosed) for (const listener of listeners) listener();
  }
}

/**
 * Rejects when the answer takes too long. If this process was busy, it must first read what has arrived meanwhile;
 * otherwise every stall of this process would look like a failure of Redis.
 */
function withTimeout<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const rejectLate = () => reject(new Error('Command timed out'));
    const timer = setTimeout(() => setImmediate(rejectLate), COMMAND_TIMEOUT_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** An error about several addresses has no message itself: joins the messages of its parts. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
