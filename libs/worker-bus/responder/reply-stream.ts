import type { Clock } from '#lib/time';
import type { EndGate, EndStatus } from '../frames/end-gate.js';
import type { FrameKind } from '../frames/frame.js';
import { toJson } from '../frames/json.js';
import type { Outbox } from '../frames/outbox.js';
import { persist } from '../persist.js';
import type { Address } from '../ports/index.js';
import { REPLY_PAUSE_MS, REPLY_RETRY_MS } from '../protocol.js';
import { CreditWindow } from './credit-window.js';

export interface ReplyParts {
  readonly outbox: Outbox;
  readonly timer: Clock;
  readonly gate: EndGate;
  /** See BusLimits. */
  readonly waitingBytes: number;
}

interface Message {
  readonly kind: Extract<FrameKind, 'event' | 'end'>;
  readonly bytes: Buffer;
  /** Called when it was sent, or never will be. */
  readonly done: () => void;
}

/** Why nothing more can be sent. */
export type StreamLoss = 'requester-gone' | 'relay' | 'overflow';

/** What a handler says, on its way to the requester: numbered frames, one after another, as fast as they are taken. */
export class ReplyStream {
  /** Resolves when all was sent, or nothing more can be. */
  readonly over: Promise<void>;

  private readonly window: CreditWindow;
  private readonly waiting: Message[] = [];
  private waitingBytes = 0;
  private number = 0;
  private isSending = false;
  /** The end is in the queue, or sent: nothing may follow. */
  private hasEnd = false;
  private isClosed = false;
  private isOverflown = false;
  private resolveOver = (): void => {};

  constructor(
    private readonly parts: ReplyParts,
    private readonly to: Address,
    private readonly request: string,
    private readonly lost: (loss: StreamLoss) => void,
  ) {
    this.over = new Promise((resolve) => (this.resolveOver = resolve));
    this.window = new CreditWindow(parts.timer, () => this.probe());
  }

  /** True once the end was said here, however much of it is sent. */
  get isEnding(): boolean {
    return this.hasEnd;
  }

  /** See BusContext. */
  emit(event: unknown): void | Promise<void> {
    if (this.hasEnd || this.isClosed) return;
    const bytes = encoded(event);
    if (!bytes || (this.isSending && this.waitingBytes + bytes.length > this.parts.waitingBytes))
      return this.overflow();
    if (this.window.holds(this.waitingBytes + bytes.length)) return this.add({ kind: 'event', bytes, done: () => {} });
    return new Promise((done) => this.add({ kind: 'event', bytes, done }));
  }

  end(status: EndStatus, value?: unknown): void {
    if (this.hasEnd || this.isClosed) return;
    this.hasEnd = true;
    this.add({ kind: 'end', bytes: this.encodedEnd(status, value), done: () => this.close() });
  }

  /** The requester has consumed so many bytes, all in all. */
  credit(consumedBytes: number): void {
    this.window.credit(consumedBytes);
  }

  /** Sends nothing more. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.forgetWaiting();
    this.window.open();
    this.resolveOver();
  }

  private add(message: Message): void {
    this.waiting.push(message);
    this.waitingBytes += message.bytes.length;
    if (!this.isSending) void this.sendAll();
  }

  private async sendAll(): Promise<void> {
    this.isSending = true;
    for (let message = this.waiting.shift(); message !== undefined; message = this.waiting.shift()) {
      this.waitingBytes -= message.bytes.length;
      await this.sendMessage(message);
      message.done();
    }
    this.isSending = false;
  }

  private async sendMessage({ kind, bytes }: Message): Promise<void> {
    const chunks = this.parts.outbox.cut(this.to, this.request, bytes);
    for (const [index, payload] of chunks.entries()) {
      // The end that tells of an overflow waits for no credit: there may never be any.
      const isLastWord = this.isOverflown && kind === 'end';
      if (!isLastWord && !this.window.admits(payload.length)) await this.window.room(payload.length);
      if (this.isClosed || (this.isOverflown && kind === 'event')) return;
      this.window.use(payload.length);
      const note = { kind, request: this.request, number: this.number, more: index + 1 < chunks.length, payload };
      this.number += 1;
      await this.publish(this.parts.outbox.seal(this.to, note));
    }
  }

  private async publish(frame: Buffer): Promise<void> {
    const { timer, outbox } = this.parts;
    const isWanted = (): boolean => !this.isClosed;
    let loss: StreamLoss = 'relay';
    const isHeard = await persist(timer, { forMs: REPLY_RETRY_MS, pauseMs: REPLY_PAUSE_MS, isWanted }, async () => {
      loss = 'relay';
      const receivers = await outbox.publish(this.to, frame);
      // Gone, or at another master than this worker for a moment: then nothing would tell it that this was lost.
      if (receivers === 0) loss = 'requester-gone';
      return receivers > 0;
    });
    if (!isHeard) this.lose(loss);
  }

  /** Asks whether anybody still waits: a credit may be lost, or the word that all is over. */
  private probe(): void {
    this.parts.outbox.send(this.to, { kind: 'probe', request: this.request }).then(
      (receivers) => {
        if (receivers === 0) this.lose('requester-gone');
      },
      () => {},
    );
  }

  private lose(loss: StreamLoss): void {
    if (this.isClosed) return;
    this.close();
    this.lost(loss);
  }

  /** A requester that takes too little hears that, and no event after a missing one. */
  private overflow(): void {
    this.isOverflown = true;
    this.forgetWaiting();
    this.end('overflow');
    this.window.open();
    this.lost('overflow');
  }

  private forgetWaiting(): void {
    this.waitingBytes = 0;
    for (const { done } of this.waiting.splice(0)) done();
  }

  /** A value that JSON cannot hold is a failure of its handler. */
  private encodedEnd(status: EndStatus, value: unknown): Buffer {
    try {
      return this.parts.gate.encode(status, value);
    } catch {
      return this.parts.gate.encode('failed');
    }
  }
}

function encoded(event: unknown): Buffer | undefined {
  try {
    return toJson(event);
  } catch {
    return undefined;
  }
}
