import type { ServerResponse } from 'node:http';
import type { ConnectionFault, MessageId } from './behaviour.js';
import { json } from './behaviour.js';
import { eventBytes } from './event-text.js';
import { flood, floodComments, floodPrefix } from './flood.js';
import { lostSession, type WireContext } from './post-wire.js';
import type { Headers, QuestionReply, Wire } from './wire.js';

/** One HTTP+SSE request, which is answered on the stream of its session. */
export class EventWire implements Wire {
  constructor(
    readonly id: MessageId,
    private readonly post: ServerResponse,
    private readonly stream: ServerResponse,
    private readonly context: WireContext,
  ) {}

  get traps(): Wire['traps'] {
    return this.context.traps;
  }

  http(status: number, headers: Headers, body: string | Uint8Array): void {
    this.post.writeHead(status, headers).end(body);
  }

  message(data: string | Uint8Array): void {
    this.event(data);
  }

  event(data: string | Uint8Array, eventId?: string, retryMs?: number): void {
    this.accept();
    this.stream.write(eventBytes(data, eventId, retryMs));
  }

  async sendQuestion(method: string, params: object): Promise<QuestionReply> {
    const id = `question-${crypto.randomUUID()}`;
    this.event(json({ jsonrpc: '2.0', id, method, params }));
    return this.context.reply(id);
  }

  end(): void {
    this.accept();
    this.stream.end();
  }

  reset(): void {
    const { post, stream } = this;
    // Reset the POST while it is unanswered, otherwise the stream.
    if (!post.headersSent) post.socket?.resetAndDestroy();
    else stream.write(': last words\n', () => stream.socket?.resetAndDestroy());
  }

  flood(): void {
    this.accept();
    this.stream.write(`data: ${floodPrefix(this.id)}`);
    flood(this.stream, this.context.counters);
  }

  comments(): void {
    this.accept();
    floodComments(this.stream, this.context.counters);
  }

  forget(): void {
    this.context.forget();
    this.http(404, { 'content-type': 'application/json' }, lostSession());
  }

  /** HTTP+SSE has no resumption. */
  saveResumption(): void {}

  fault(fault: Exclude<ConnectionFault, 'reset'>): void {
    if (fault === 'silence') return this.accept();
    if (fault === 'garbage') return void this.post.socket?.end('GOOD MORNING\r\n\r\n');
    this.flood();
  }

  private accept(): void {
    if (!this.post.headersSent) this.post.writeHead(202).end('Accepted');
  }
}
