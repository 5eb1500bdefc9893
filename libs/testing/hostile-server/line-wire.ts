import type { Writable } from 'node:stream';
import type { ConnectionFault, MessageId } from './behaviour.js';
import { json } from './behaviour.js';
import type { Counters } from './counters.js';
import { flood, floodPrefix } from './flood.js';
import type { Headers, QuestionReply, Wire } from './wire.js';

/** What a line wire needs from its process. */
export interface LineHome {
  readonly counters: Counters;
  readonly out: Writable;
  reply(questionId: string): Promise<QuestionReply>;
  exit(code: number): void;
}

/** One request that came as a line on stdin and is answered by a line on stdout. */
export class LineWire implements Wire {
  readonly traps = { 'same-origin': '', 'other-origin': '' };

  constructor(
    readonly id: MessageId,
    private readonly home: LineHome,
  ) {}

  http(_status: number, _headers: Headers, body: string | Uint8Array): void {
    this.message(body);
  }

  message(data: string | Uint8Array): void {
    this.home.out.write(Buffer.concat([typeof data === 'string' ? Buffer.from(data) : data, Buffer.from('\n')]));
  }

  event(data: string | Uint8Array): void {
    this.message(data);
  }

  async ask(method: string, params: object): Promise<QuestionReply> {
    const id = `question-${crypto.randomUUID()}`;
    this.message(json({ jsonrpc: '2.0', id, method, params }));
    return this.home.reply(id);
  }

  end(): void {
    this.home.exit(0);
  }

  reset(): void {
    this.home.exit(1);
  }

  flood(): void {
    this.home.out.write(floodPrefix(this.id));
    flood(this.home.out, this.home.counters);
  }

  forget(): void {
    this.home.exit(0);
  }

  keep(): void {}

  fault(fault: Exclude<ConnectionFault, 'reset'>): void {
    if (fault !== 'silence') this.flood();
  }
}
