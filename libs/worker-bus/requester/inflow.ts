import { Joiner } from '../frames/chunks.js';
import { readJson } from '../frames/json.js';
import { CREDIT_STEP_BYTES } from '../protocol.js';

export type EventListener = (event: unknown) => void | Promise<void>;

/** What comes of what arrives. */
export interface InflowTarget {
  /** So many bytes were consumed, all in all: the owner may send more. */
  credit(consumedBytes: number): void;
  /** The whole end has arrived, and everything before it was consumed. */
  end(message: Buffer): void;
  /** An event cannot be read, or cannot be passed on. */
  spoilt(): void;
}

interface Piece {
  readonly kind: 'event' | 'end';
  readonly more: boolean;
  readonly payload: Buffer;
}

/** What the owner sent, piece by piece and in order: one event after the other, and the end after all of them. */
export class Inflow {
  private readonly pieces: Piece[] = [];
  private readonly joiner = new Joiner();
  private joining: Piece['kind'] = 'event';
  private consumedBytes = 0;
  private creditedBytes = 0;
  private isBusy = false;
  private isClosed = false;

  constructor(
    private readonly onEvent: EventListener | undefined,
    private readonly target: InflowTarget,
  ) {}

  add(piece: Piece): void {
    this.pieces.push(piece);
    if (!this.isBusy) void this.consumeAll();
  }

  /** Tells again how much was consumed: the owner may have missed it. */
  repeatCredit(): void {
    this.target.credit(this.consumedBytes);
  }

  /** What has not been passed on is dropped. */
  close(): void {
    this.isClosed = true;
    this.pieces.length = 0;
  }

  private async consumeAll(): Promise<void> {
    this.isBusy = true;
    for (let piece = this.pieces.shift(); piece !== undefined && !this.isClosed; piece = this.pieces.shift()) {
      // An end may cut an event short; then what there is of it is worth nothing.
      if (piece.kind !== this.joining) this.joiner.take();
      this.joining = piece.kind;
      this.joiner.add(piece.payload);
      if (!piece.more) {
        const passed = this.pass(piece.kind, this.joiner.take());
        if (passed) await passed;
      }
      this.count(piece.payload.length);
    }
    this.isBusy = false;
  }

  private pass(kind: Piece['kind'], message: Buffer): void | Promise<void> {
    if (kind === 'end') return this.target.end(message);
    const read = readJson(message);
    if (!read) return this.target.spoilt();
    return this.tell(read.value);
  }

  /** A listener that fails has missed an event, and a stream with a hole is none. */
  private tell(event: unknown): void | Promise<void> {
    try {
      const told = this.onEvent?.(event);
      return told instanceof Promise ? told.catch(() => this.target.spoilt()) : undefined;
    } catch {
      return this.target.spoilt();
    }
  }

  private count(bytes: number): void {
    this.consumedBytes += bytes;
    if (this.isClosed || this.consumedBytes - this.creditedBytes < CREDIT_STEP_BYTES) return;
    this.creditedBytes = this.consumedBytes;
    this.target.credit(this.consumedBytes);
  }
}
