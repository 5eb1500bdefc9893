import type { ServerResponse } from 'node:http';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Proxies must not hold events back (specification 2026: basic/transports/streamable-http, Receiving Messages).
  'x-accel-buffering': 'no',
};

export type ReplyHeaders = Readonly<Record<string, string>>;

/** Writes one HTTP answer: a JSON body, or an event stream once something precedes the outcome. */
export class ReplyWriter {
  /** One for all who wait: what is written without waiting must not leave a listener each. */
  private pendingDrain: Promise<void> | undefined;

  constructor(
    private readonly raw: ServerResponse,
    private readonly maxBufferBytes: number,
    private readonly headers: ReplyHeaders = {},
  ) {}

  /** The same answer with more headers. */
  withHeaders(headers: ReplyHeaders): ReplyWriter {
    return new ReplyWriter(this.raw, this.maxBufferBytes, { ...this.headers, ...headers });
  }

  get isStreaming(): boolean {
    return this.raw.headersSent;
  }

  /** The client has gone, or the answer is complete. */
  get isClosed(): boolean {
    return this.raw.destroyed || this.raw.writableEnded;
  }

  json(status: number, body: string): void {
    if (this.isClosed) return;
    const length = String(Buffer.byteLength(body));
    this.raw.writeHead(status, { ...this.headers, 'content-type': 'application/json', 'content-length': length });
    this.raw.end(body);
  }

  empty(status: number): void {
    if (this.isClosed) return;
    this.raw.writeHead(status, { ...this.headers, 'content-length': '0' });
    this.raw.end();
  }

  openStream(): void {
    if (this.isClosed || this.isStreaming) return;
    this.raw.writeHead(200, { ...this.headers, ...STREAM_HEADERS });
    this.raw.flushHeaders();
  }

  /** One event of an SSE stream. The promise is back-pressure: the client reads more slowly than we write. */
  event(data: string, id?: string, type?: string, retryMs?: number): void | Promise<void> {
    let head = type === undefined ? '' : `event: ${type}\n`;
    if (id !== undefined) head += `id: ${id}\n`;
    if (retryMs !== undefined) head += `retry: ${retryMs}\n`;
    return this.write(`${head}data: ${data}\n\n`);
  }

  comment(): void {
    void this.write(':\n\n');
  }

  end(): void {
    if (!this.isClosed) this.raw.end();
  }

  /** Whoever reads it is not to hear more: there is no answer, and that can be seen. */
  abort(): void {
    this.raw.destroy();
  }

  /** Calls back once when the answer is complete or the client has gone; at once when that is long past. */
  onClosed(listener: () => void): void {
    if (this.raw.closed) listener();
    else this.raw.once('close', listener);
  }

  private write(text: string): void | Promise<void> {
    if (this.isClosed || this.raw.write(text)) return undefined;
    if (this.raw.writableLength > this.maxBufferBytes) {
      this.raw.destroy();
      return undefined;
    }
    return (this.pendingDrain ??= this.whenDrained());
  }

  private whenDrained(): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        this.raw.off('drain', settle);
        this.raw.off('close', settle);
        this.pendingDrain = undefined;
        resolve();
      };
      this.raw.on('drain', settle);
      this.raw.on('close', settle);
    });
  }
}
