import type { ServerResponse } from 'node:http';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Disables response buffering in proxies (specification 2026: basic/transports/streamable-http, Receiving Messages).
  'x-accel-buffering': 'no',
};

export type ReplyHeaders = Readonly<Record<string, string>>;

/** Writes one HTTP response: a JSON body, or an event stream when a message precedes the outcome. */
export class ReplyWriter {
  /** Shared by all pending writes, so that they add one drain listener in total. */
  private pendingDrain: Promise<void> | undefined;

  constructor(
    private readonly raw: ServerResponse,
    private readonly maxBufferBytes: number,
    private readonly headers: ReplyHeaders = {},
    /** False for a client that accepts JSON only. */
    readonly acceptsStream = true,
  ) {}

  /** Returns a writer of the same response with additional headers. */
  withHeaders(headers: ReplyHeaders): ReplyWriter {
    return new ReplyWriter(this.raw, this.maxBufferBytes, { ...this.headers, ...headers }, this.acceptsStream);
  }

  get isStreaming(): boolean {
    return this.raw.headersSent;
  }

  /** True when the client has disconnected or the response is complete. */
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

  /** Writes one event of an SSE stream. Returns a promise while the client reads more slowly than the worker writes. */
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

  /** Closes the connection without completing the response, so that the client can detect it. */
  abort(): void {
    this.raw.destroy();
  }

  /** Calls the listener once, when the response completes or the client disconnects; at once if that has happened already. */
  onClosed(listener: () => void): void {
    if (this.raw.closed) listener();
    else this.raw.once('close', listener);
  }

  /** Returns a signal that aborts when the response completes or the client disconnects. */
  closeSignal(): AbortSignal {
    const closing = new AbortController();
    this.onClosed(() => closing.abort());
    return closing.signal;
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
