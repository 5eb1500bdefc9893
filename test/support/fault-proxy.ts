import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Bytes to the target, and bytes from the target. */
export type Direction = 'requests' | 'replies';

/** A TCP proxy that injects network faults, in front of Redis, a server or a gateway. */
export interface FaultProxy {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly port: number;
  /** Number of open connection pairs. */
  readonly connections: number;
  /** Resets open connections. Later connections work again. */
  sever(): void;
  /** Resets open and later connections until `resume`. */
  cut(): void;
  /**
   * Holds all bytes without an error until `resume`, which then delivers them. With `sever` in place of `resume` they
   * are lost: `blackhole('replies')` and `sever` lose the reply of an executed command. Connecting still succeeds,
   * because the proxy accepts connections itself.
   */
  blackhole(direction?: Direction): void;
  /** Holds all bytes of the open connections without an error until `resume`. Later connections work. */
  freeze(): void;
  /** Delays bytes in both directions; 0 ends the delay. */
  delay(milliseconds: number): void;
  /** Ends `cut`, `blackhole` and `freeze`. */
  resume(): void;
  /** Connects later clients to this target. With `sever` the other clients reconnect to it too. */
  redirectTo(target: string): void;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1. The target is `127.0.0.1:6379` or a URL. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const proxy = new TcpFaultProxy(toTarget(target));
  await proxy.listen();
  return proxy;
}

function toTarget(target: string): Target {
  const { hostname, port } = new URL(target.includes('://') ? target : `tcp://${target}`);
  return { host: hostname, port: Number(port) };
}

interface Target {
  readonly host: string;
  readonly port: number;
}

class TcpFaultProxy implements FaultProxy {
  private readonly server: Server;
  private readonly pairs = new Set<Pair>();
  private readonly held = new Set<Direction>();
  private isCut = false;
  private delayMs = 0;

  constructor(private target: Target) {
    // Half-closed connections are forwarded too.
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      if (this.isCut) return void client.on('error', ignore).resetAndDestroy();
      const outgoing = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
      const pair = new Pair(client, outgoing, () => this.delayMs);
      this.pairs.add(pair);
      pair.onClosed(() => this.pairs.delete(pair));
      for (const direction of this.held) pair.hold(direction);
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.pairs.size;
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  sever(): void {
    this.held.clear();
    for (const pair of this.pairs) pair.reset();
  }

  cut(): void {
    this.isCut = true;
    this.sever();
  }

  blackhole(direction?: Direction): void {
    for (const each of direction ? [direction] : (['requests', 'replies'] as const)) {
      this.held.add(each);
      for (const pair of this.pairs) pair.hold(each);
    }
  }

  freeze(): void {
    for (const pair of this.pairs) {
      pair.hold('requests');
      pair.hold('replies');
    }
  }

  delay(milliseconds: number): void {
    this.delayMs = milliseconds;
  }

  resume(): void {
    this.isCut = false;
    this.held.clear();
    for (const pair of this.pairs) pair.release();
  }

  redirectTo(target: string): void {
    this.target = toTarget(target);
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** A client's connection and its connection to the target. */
class Pair {
  private readonly streams: Readonly<Record<Direction, ByteStream>>;

  constructor(
    private readonly client: Socket,
    private readonly target: Socket,
    delayMs: () => number,
  ) {
    this.streams = {
      requests: new ByteStream(client, target, delayMs),
      replies: new ByteStream(target, client, delayMs),
    };
    // Forward a reset as a reset.
    for (const socket of [client, target]) socket.on('error', () => this.reset());
  }

  onClosed(listener: () => void): void {
    let open = 2;
    for (const socket of [this.client, this.target]) {
      socket.once('close', () => {
        open -= 1;
        if (open === 0) listener();
      });
    }
  }

  hold(direction: Direction): void {
    this.streams[direction].hold();
  }

  release(): void {
    for (const way of Object.values(this.streams)) way.release();
  }

  reset(): void {
    for (const socket of [this.client, this.target]) if (!socket.destroyed) socket.resetAndDestroy();
  }
}

/** One direction of a pair. It preserves the order of bytes, even when the delay changes. */
class ByteStream {
  private tail = Promise.resolve();
  private gate = Promise.resolve();
  private open = () => {};
  private isHeld = false;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly delayMs: () => number,
  ) {
    from.on('data', (chunk: Buffer) => this.pass(() => this.write(chunk)));
    from.on('end', () => this.pass(() => void to.end()));
    to.on('drain', () => this.resumeReading());
  }

  hold(): void {
    if (this.isHeld) return;
    this.isHeld = true;
    this.gate = new Promise((resolve) => (this.open = resolve));
    // Unread bytes stay in the sender's buffer, as on a broken network.
    this.from.pause();
  }

  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.open();
    this.resumeReading();
  }

  private pass(step: () => void): void {
    const delayed = this.delayMs() > 0 ? new Promise<void>((done) => setTimeout(done, this.delayMs())) : undefined;
    this.tail = this.tail.then(async () => {
      await delayed;
      while (this.isHeld) await this.gate;
      step();
    });
  }

  private write(chunk: Buffer): void {
    if (!this.to.destroyed && !this.to.write(chunk)) this.from.pause();
  }

  private resumeReading(): void {
    if (!this.isHeld && !this.to.writableNeedDrain) this.from.resume();
  }
}

const ignore = () => {};
