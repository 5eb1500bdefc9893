import { connect, type Socket } from 'node:net';
import type {
  BurdenOrder,
  BurdenReport,
  ReceivedReport,
  HeldOrder,
  SessionsReport,
  StreamsOrder,
} from './load-orders.js';
import { connectTo, openSession } from './load-sessions.js';
import { HANG, archive, endRequest, prepareCall, streamRequest, type Target, type ToolUse } from './workload.js';

const AT_ONCE = 16;
const OK = 'HTTP/1.1 200';

/** Connections that stay open between orders: open streams, and clients whose calls burden the gateway. */
export class HeldConnections {
  private readonly streams: OpenStream[] = [];
  private readonly sockets: Socket[] = [];
  private burdens: { readonly target: Target; readonly session: string }[] = [];

  execute(order: HeldOrder): Promise<SessionsReport> | ReceivedReport | Promise<BurdenReport> {
    switch (order.order) {
      case 'streams':
        return this.openStreams(order);
      case 'received':
        return this.received();
      case 'burden':
        return this.burden(order);
      case 'leave':
        return this.leave();
    }
  }

  private async openStreams({ target, openAt, count }: StreamsOrder): Promise<SessionsReport> {
    let left = count;
    const connections = connectTo(openAt, Math.min(AT_ONCE, count));
    const open = async (index: number): Promise<void> => {
      const connection = connections[index];
      while (connection !== undefined && left > 0) {
        left -= 1;
        const session = await openSession(connection, openAt);
        const stream = new OpenStream(target, session);
        this.streams.push(stream);
        await stream.opened;
      }
    };
    try {
      await Promise.all(connections.map((_, index) => open(index)));
    } finally {
      for (const connection of connections) connection.close();
    }
    return { opened: count };
  }

  private received(): ReceivedReport {
    const open = this.streams.filter((stream) => stream.open);
    return { open: open.length, received: open.filter((stream) => stream.takeReceived()).length };
  }

  private async burden({ target, hanging, unread, unreadBytes }: BurdenOrder): Promise<BurdenReport> {
    const [opener] = connectTo(target, 1);
    if (opener === undefined) throw new Error('There is no connection.');
    const begin = async (use: ToolUse, isRead: boolean): Promise<void> => {
      const session = await openSession(opener, target);
      this.burdens.push({ target, session });
      const socket = connect({ host: target.host, port: target.port }).on('error', () => {});
      this.sockets.push(socket);
      socket.write(prepareCall('legacy', target, session, use).bytes);
      if (isRead) return void socket.resume();
      // Stop reading after the first bytes of the answer.
      await new Promise((resolve) => socket.once('data', resolve));
      socket.pause();
    };
    for (let count = 0; count < hanging; count += 1) await begin(HANG, true);
    for (let count = 0; count < unread; count += 1) await begin(archive(unreadBytes), false);
    opener.close();
    return { connections: this.sockets.length };
  }

  /** Ends the sessions too, because a call survives the connection of its client but not its session. */
  private async leave(): Promise<BurdenReport> {
    const connections = this.streams.length + this.sockets.length;
    for (const stream of this.streams.splice(0)) stream.close();
    for (const socket of this.sockets.splice(0)) socket.destroy();
    const burdens = this.burdens;
    this.burdens = [];
    const [first] = burdens;
    const [closer] = first === undefined ? [] : connectTo(first.target, 1);
    for (const { target, session } of burdens) await closer?.exchange(endRequest(target, session));
    closer?.close();
    return { connections };
  }
}

/** The server stream (GET) of one session. */
class OpenStream {
  /** Rejects when the gateway does not open the stream. */
  readonly opened: Promise<void>;
  private readonly socket: Socket;
  private hasReceived = false;

  constructor(target: Target, session: string) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    this.socket = connect({ host: target.host, port: target.port });
    this.socket.setEncoding('latin1');
    this.socket.once('data', (head: string) => {
      if (head.startsWith(OK)) return resolve();
      reject(new Error(`A stream was answered ${head.slice(0, 500)}`));
    });
    this.socket.on('data', () => (this.hasReceived = true));
    this.socket.on('error', reject);
    this.socket.on('close', () => reject(new Error('A stream was closed.')));
    this.socket.write(streamRequest(target, session));
  }

  get open(): boolean {
    return !this.socket.destroyed;
  }

  /** Whether anything was received since the last call of this method. */
  takeReceived(): boolean {
    const { hasReceived } = this;
    this.hasReceived = false;
    return hasReceived;
  }

  close(): void {
    this.socket.destroy();
  }
}
