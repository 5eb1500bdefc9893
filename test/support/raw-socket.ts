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

  /** Sends the head of a request, and its body once the peer has sent the line `after`. Returns what follows that line. */
  async converse(head: string, after: string, body: string): Promise<SocketAnswer> {
    const socket = await this.open();
    let text = '';
    const closed = new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => {
        const hadLine = text.includes(after);
        text += chunk.toString('latin1');
        if (!hadLine && text.includes(after)) socket.write(body);
      });
      socket.once('close', () => resolve());
      socket.once('error', reject);
      socket.setTimeout(scaleDeadline(2_000), () => reject(new Error(`The conversation stalled after: ${text}`)));
    });
    socket.write(head);
    await closed.finally(() => socket.destroy());
    return parse(text);
  }

  /** Sends all bytes before it reads anything, as clients without an event loop do. */
  async sendAll(
    bytes: string,
  ): Promise<{ readonly status: number; readonly wasReset: boolean; readonly text: string }> {
    const socket = await this.open();
    let wasReset = false;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => (wasReset = true));
    socket.pause();
    const isSent = await new Promise<boolean>((resolve) => {
      socket.once('close', () => resolve(false));
      socket.write(bytes, 'latin1', (fault) => resolve(!fault));
    });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.resume();
    if (isSent) socket.setTimeout(scaleDeadline(15_000), () => socket.destroy(new Error('The peer did not close.')));
    await closed;
    const text = Buffer.concat(chunks).toString('latin1');
    return { ...parse(text), wasReset, text };
  }

  /** Sends bytes and resets the connection immediately. */
  async sendAndReset(bytes: string): Promise<void> {
    const socket = await this.open();
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resetAndDestroy();
    await closed;
  }

  /** Sends bytes, and resets the connection when the first bytes of the answer arrive. Returns those. */
  async resetAfterAnswer(bytes: string): Promise<string> {
    const socket = await this.open();
    const answered = new Promise<Buffer>((resolve, reject) => {
      socket.once('data', resolve);
      socket.once('error', reject);
    });
    socket.write(bytes);
    const answer = await answered;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resetAndDestroy();
    await closed;
    return answer.toString('latin1');
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
