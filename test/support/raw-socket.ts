import { connect, type Socket } from 'node:net';
import { scaleDeadline } from '#lib/testing/machine-speed';

/** An HTTP answer read from a socket. Status 0: the peer closed without an answer. */
export interface SocketAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

function parse(text: string): SocketAnswer {
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end);
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0);
  return { status, head, body: end < 0 ? '' : text.slice(end + 4) };
}

/** Opens sockets and closes them at the end of a test. */
export class RawSockets {
  private readonly sockets = new Set<Socket>();

  constructor(private readonly url: string) {}

  /** Sends bytes and reads until the peer closes. A valid request must contain `Connection: close`. */
  async exchange(bytes: string | Uint8Array, limitMs = scaleDeadline(2_000)): Promise<SocketAnswer> {
    const socket = await this.open();
    const chunks: Buffer[] = [];
    const closed = new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.once('close', () => resolve());
      // A peer may reset while it rejects the request; the answer before the reset counts.
      socket.on('error', () => resolve());
      socket.setTimeout(limitMs, () =>
        reject(new Error(`No end after ${limitMs} ms: ${Buffer.concat(chunks).toString('latin1')}`)),
      );
    });
    socket.write(bytes);
    try {
      await closed;
      return parse(Buffer.concat(chunks).toString('latin1'));
    } finally {
      socket.destroy();
    }
  }

  /** Sends bytes and resets the connection immediately. */
  async sendAndReset(bytes: string): Promise<void> {
    const socket = await this.open();
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resetAndDestroy();
    await closed;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private async open(): Promise<Socket> {
    const { hostname, port } = new URL(this.url);
    const socket = connect(Number(port), hostname);
    this.sockets.add(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return socket;
  }
}
