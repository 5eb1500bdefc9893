import { Joiner } from '../frames/chunks.js';
import { readJson } from '../frames/json.js';
import { CREDIT_STEP_BYTES } from '../protocol.js';

export type EventListener = (event: unknown) => void | Promise<void>;

/** What comes of what arrives. */
export interface IncomingStreamTarget {
  /** So many bytes were consumed, all in all: the owner may send more. */
  credit(consumedBytes: number): void;
  /** The whole end has arrived, and everything before it was consumed. */
  end(message: Buffer): void;
  /** An event cannot be read, or cannot be passed on. */
  failed(): void;
}

interface Chunk {
  readonly kind: 'event' | 'end';
  readonly more: boolean;
  readonly payload: Buffer;
}

/** What the owner sent, piece by piece and in order: one event after the other, and the end after all of them. */
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

  add(piece: Chunk): void {
    this.chunks.push(piece);
    if (!this.isBusy) void this.consumeAll();
  }

  /** Tells again how much was consumed: the owner may have missed it. */
  repeatCredit(): void {
    this.target.credit(this.consumedBytes);
  }

  /** What has not been passed on is dropped. */
  close(): void {
    this.isClosed = true;
    this.chunks.length = 0;
  }

  private async consumeAll(): Promise<void> {
    this.isBusy = true;
    for (let piece = this.chunks.shift(); piece !== undefined && !this.isClosed; piece = this.chunks.shift()) {
      // An end may cut an event short; then what there is of it is worth nothing.
      if (piece.kind !== this.joiningKind) this.joiner.join();
      this.joiningKind = piece.kind;
      this.joiner.add(piece.payload);
      if (!piece.more) {
        const passed = this.dispatch(piece.kind, this.joiner.join());
        if (passed) await passed;
      }
      this.count(piece.payload.length);
    }
    this.isBusy = false;
  }

  private dispatch(kind: Chunk['kind'], message: Buffer): void | Promise<void> {
    if (kind === 'end') return this.target.end(message);
    const read = readJson(message);
    if (!read) return this.target.failed();
    return this.deliver(read.value);
  }

  /** A listener that fails has missed an event, and a stream with a hole is none. */
  private deliver(event: unknown): void | Promise<void> {
    try {
      const told = this.onEvent?.(event);
      return told instanceof Promise ? told.catch(() => this.target.failed()) : undefined;
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
