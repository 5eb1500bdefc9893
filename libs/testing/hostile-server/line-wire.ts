import type { Writable } from 'node:stream';
import type { ConnectionFault, MessageId } from './behaviour.js';
import { json } from './behaviour.js';
import type { Counters } from './counters.js';
import { flood, floodComments, floodPrefix } from './flood.js';
import type { Headers, QuestionReply, Wire } from './wire.js';

/** The parts of the process that a LineWire uses. */
export interface LineContext {
  readonly counters: Counters;
  readonly out: Writable;
  reply(questionId: string): Promise<QuestionReply>;
  exit(code: number): void;
}

/** One request read from stdin and answered by a line on stdout. */
export class LineWire implements Wire {
  readonly traps = { 'same-origin': '', 'other-origin': '' };

  constructor(
    readonly id: MessageId,
    private readonly context: LineContext,
  ) {}

  http(_status: number, _headers: Headers, body: string | Uint8Array): void {
    this.message(body);
  }

  message(data: string | Uint8Array): void {
    this.context.out.write(Buffer.concat([typeof data === 'string' ? Buffer.from(data) : data, Buffer.from('\n')]));
  }

  event(data: string | Uint8Array): void {
    this.message(data);
  }

  async sendQuestion(method: string, params: object): Promise<QuestionReply> {
    const id = `question-${crypto.randomUUID()}`;
    this.message(json({ jsonrpc: '2.0', id, method, params }));
    return this.context.reply(id);
  }

  end(): void {
    this.context.exit(0);
  }

  reset(): void {
    this.context.exit(1);
  }

  comments(): void {
    floodComments(this.context.out, this.context.counters);
  }

  flood(): void {
    this.context.out.write(floodPrefix(this.id));
    flood(this.context.out, this.context.counters);
  }

  forget(): void {
    this.context.exit(0);
  }

  saveResumption(): void {}

  fault(fault: Exclude<ConnectionFault, 'reset'>): void {
    if (fault !== 'silence') this.flood();
  }
}
