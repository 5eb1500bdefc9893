import { RelayFailure } from '#lib/worker-bus';
import type { Host } from '../host.js';
import type { CommandFault } from './command-faults.js';
import { Connection } from './connection.js';
import type { RelayNode } from './relay-node.js';
import type { SimRedis } from './sim-redis.js';

export const COMMAND_TIMEOUT_MS = 250;
const MAX_RECONNECT_DELAY_MS = 500;

/** Receives the changes of a connection. */
export interface ConnectionListener {
  onUp(connection: Connection): void;
  /** The process has detected that the connection is broken. */
  onDown(): void;
}

/** A connection for commands that reconnects after every break, like the Redis client. */
export class ReconnectingConnection {
  private connection: Connection | undefined;
  private readonly pending = new Set<(failure: RelayFailure) => void>();
  private isHeld = false;
  private isClosed = false;

  constructor(
    private readonly redis: SimRedis,
    private readonly host: Host,
    private readonly worker: string,
    private readonly listener: ConnectionListener,
  ) {}

  get isUp(): boolean {
    return this.connection !== undefined;
  }

  /** Rejects with RelayFailure: immediately while disconnected, and after the client's timeout without an answer. */
  send<T>(slot: string, run: (node: RelayNode) => T, fault?: CommandFault['kind']): Promise<T> {
    const { connection, pending } = this;
    if (!connection) return Promise.reject(new RelayFailure(false));
    return new Promise<T>((resolve, reject) => {
      const fail = (failure: RelayFailure) => {
        pending.delete(fail);
        cancel();
        reject(failure);
      };
      const cancel = this.host.timer.after(COMMAND_TIMEOUT_MS, () => fail(new RelayFailure(true)));
      pending.add(fail);
      if (fault === 'lose-command') return;
      connection.send(slot, run, (answer) => {
        if (fault === 'lose-answer' || !pending.delete(fail)) return;
        cancel();
        resolve(answer);
      });
    });
  }

  connect(): void {
    if (this.isClosed) return;
    const node = this.isHeld ? undefined : this.redis.masterFor(this.worker);
    if (!node) return this.connectLater();
    this.connection = new Connection(this.redis, this.host, node);
    this.listener.onUp(this.connection);
  }

  /** Breaks the connection. Commands sent before the process detects it are lost. */
  breakOff(): void {
    const { connection } = this;
    connection?.close();
    this.host.enter(() => {
      if (this.isClosed || connection === undefined || connection !== this.connection) return;
      this.connection = undefined;
      for (const fail of this.pending) fail(new RelayFailure(true));
      this.listener.onDown();
      this.connectLater();
    });
  }

  /** Breaks the connection to this node. Messages in transit may still arrive before. */
  breakOffWith(node: RelayNode): void {
    if (this.connection?.node === node) this.redis.virtualTime.after(this.redis.latency(), () => this.breakOff());
  }

  hold(): void {
    this.isHeld = true;
    this.connection?.hold();
  }

  release(): void {
    this.isHeld = false;
    this.connection?.release();
  }

  /** Closes the connection permanently, without notifying the listener. */
  close(): void {
    this.isClosed = true;
    this.connection?.close();
    this.connection = undefined;
  }

  private connectLater(): void {
    this.host.timer.after(this.redis.random.between(10, MAX_RECONNECT_DELAY_MS), () => this.connect());
  }
}
