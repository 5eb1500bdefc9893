import { connect, type Socket } from 'node:net';
import { scaleDeadline } from '#lib/testing/machine-speed';

/** What came back over a socket, as far as it is HTTP. Status 0: the peer closed without a word. */
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

/** Connected sockets that a test must not leave behind. */
export class RawSockets {
  private readonly sockets = new Set<Socket>();

  constructor(private readonly url: string) {}

  /** Sends bytes and reads until the peer closes; ask for `Connection: close` where the request is a good one. */
  async exchange(bytes: string | Uint8Array, limitMs = scaleDeadline(2_000)): Promise<SocketAnswer> {
    const socket = await this.open();
    const chunks: Buffer[] = [];
    const closed = new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.once('close', () => resolve());
      // A peer that refuses may reset while we still write: what it said before counts.
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

  /** Sends bytes and leaves at once. */
  async vanish(bytes: string): Promise<void> {
    const socket = await this.open();
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.resetAndDestroy();
    await gone;
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
