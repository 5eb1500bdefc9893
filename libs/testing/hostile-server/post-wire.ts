import type { ServerResponse } from 'node:http';
import type { ConnectionFault, MessageId, Step } from './behaviour.js';
import { json } from './behaviour.js';
import type { Counters } from './counters.js';
import { EVENT_STREAM, eventBytes } from './event-text.js';
import { BIG_ANSWER_BYTES, flood, floodComments, floodPrefix } from './flood.js';
import type { Headers, QuestionReply, Wire } from './wire.js';

/** The parts of the server that a wire uses. */
export interface WireContext {
  readonly counters: Counters;
  readonly traps: Wire['traps'];
  /** Resolves with the reply to the question with this id. */
  reply(questionId: string): Promise<QuestionReply>;
  forget(): void;
  saveResumption?(id: MessageId, resumed: readonly (readonly Step[])[]): string;
}

/** One request that is answered in the response to its POST. */
export class PostWire implements Wire {
  private resumptionKey?: string;

  constructor(
    readonly id: MessageId,
    protected readonly response: ServerResponse,
    protected readonly context: WireContext,
  ) {}

  get traps(): Wire['traps'] {
    return this.context.traps;
  }

  http(status: number, headers: Headers, body: string | Uint8Array): void {
    this.response.writeHead(status, headers).end(body);
  }

  message(data: string | Uint8Array): void {
    this.http(200, { 'content-type': 'application/json' }, data);
  }

  event(data: string | Uint8Array, eventId?: string, retryMs?: number): void {
    const id = eventId !== undefined && this.resumptionKey !== undefined ? `${eventId}@${this.resumptionKey}` : eventId;
    this.open().write(eventBytes(data, id, retryMs));
  }

  async sendQuestion(method: string, params: object): Promise<QuestionReply> {
    const id = `question-${crypto.randomUUID()}`;
    this.event(json({ jsonrpc: '2.0', id, method, params }));
    return this.context.reply(id);
  }

  end(): void {
    this.open().end();
  }

  reset(): void {
    const { response } = this;
    const reset = (): void => void response.socket?.resetAndDestroy();
    // Flush the written bytes first, or the reset would overtake them.
    if (response.headersSent) response.write(': last words\n', reset);
    else reset();
  }

  flood(): void {
    this.open().write('data: ');
    flood(this.response, this.context.counters);
  }

  comments(): void {
    floodComments(this.open(), this.context.counters);
  }

  forget(): void {
    this.context.forget();
    this.http(404, { 'content-type': 'application/json' }, lostSession());
  }

  saveResumption(resumed: readonly (readonly Step[])[]): void {
    const key = this.context.saveResumption?.(this.id, resumed);
    if (key !== undefined) this.resumptionKey = key;
  }

  /** Continues the event ids of the resumed stream. */
  resuming(key: string): this {
    this.resumptionKey = key;
    return this;
  }

  fault(fault: Exclude<ConnectionFault, 'reset'>): void {
    const { response, context } = this;
    if (fault === 'silence') return void response.once('close', () => (context.counters.abandoned += 1));
    if (fault === 'garbage') return void response.socket?.end('GOOD MORNING\r\n\r\n');
    if (fault === 'short') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '4096' });
      return void response.write(floodPrefix(this.id), () => response.socket?.end());
    }
    response.writeHead(200, { 'content-type': 'application/json' }).write(floodPrefix(this.id));
    flood(response, context.counters, fault === 'big' ? BIG_ANSWER_BYTES : undefined);
  }

  private open(): ServerResponse {
    if (!this.response.headersSent) this.response.writeHead(200, EVENT_STREAM).flushHeaders();
    return this.response;
  }
}

export const lostSession = (): string =>
  json({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } });
