import { Joiner } from '../frames/chunks.js';
import { readJson } from '../frames/json.js';
import { CREDIT_STEP_BYTES } from '../protocol.js';

export type EventListener = (event: unknown) => void | Promise<void>;

/** Receives the effects of an incoming stream. */
export interface IncomingStreamTarget {
  /** `consumedBytes` were consumed in total: the owner may send more. */
  credit(consumedBytes: number): void;
  /** The whole end has arrived, and every event before it was consumed. */
  end(message: Buffer): void;
  /** An event cannot be read, or its listener failed. */
  failed(): void;
}

interface Chunk {
  readonly kind: 'event' | 'end';
  readonly more: boolean;
  readonly payload: Buffer;
}

/** Joins and delivers what the owner sent, in order: one event after the other, and the end after all events. */
export class IncomingStream {
  private readonly chunks: Chunk[] = [];
  private readonly joiner = new Joiner();
  private joiningKind: Chunk['kind'] = 'event';
  private consumedBytes = 0;
  private creditedBytes = 0;
  private isBusy = false;
  private isClosed = false;

  constructor(
    private readonly onEvent: EventListener | undefined,
    private readonly target: IncomingStreamTarget,
  ) {}

  add(chunk: Chunk): void {
    this.chunks.push(chunk);
    if (!this.isBusy) void this.consumeAll();
  }

  /** Sends the last credit again: the owner may have missed it. */
  repeatCredit(): void {
    this.target.credit(this.consumedBytes);
  }

  /** Drops everything that has not been delivered. */
  close(): void {
    this.isClosed = true;
    this.chunks.length = 0;
  }

  private async consumeAll(): Promise<void> {
    this.isBusy = true;
    for (let chunk = this.chunks.shift(); chunk !== undefined && !this.isClosed; chunk = this.chunks.shift()) {
      // An end may interrupt an event, whose parts are then useless.
      if (chunk.kind !== this.joiningKind) this.joiner.join();
      this.joiningKind = chunk.kind;
      this.joiner.add(chunk.payload);
      if (!chunk.more) {
        const dispatched = this.dispatch(chunk.kind, this.joiner.join());
        if (dispatched) await dispatched;
      }
      this.count(chunk.payload.length);
    }
    this.isBusy = false;
  }

  private dispatch(kind: Chunk['kind'], message: Buffer): void | Promise<void> {
    if (kind === 'end') return this.target.end(message);
    const read = readJson(message);
    if (!read) return this.target.failed();
    return this.deliver(read.value);
  }

  /** A listener that fails has missed an event, and a stream with a gap is worthless. */
  private deliver(event: unknown): void | Promise<void> {
    try {
      const delivered = this.onEvent?.(event);
      return delivered instanceof Promise ? delivered.catch(() => this.target.failed()) : undefined;
    } catch {
      return this.target.failed();
    }
  }

  private count(bytes: number): void {
    this.consumedBytes += bytes;
    if (this.isClosed || this.consumedBytes - this.creditedBytes < CREDIT_STEP_BYTES) return;
    this.creditedBytes = this.consumedBytes;
    this.target.credit(this.consumedBytes);
  }
}
