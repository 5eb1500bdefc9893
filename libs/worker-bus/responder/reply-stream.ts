import type { Clock } from '#lib/time';
import type { EndGate, EndStatus } from '../frames/end-gate.js';
import type { FrameKind } from '../frames/frame.js';
import { toJsonBytes } from '../frames/json.js';
import type { Outbox } from '../frames/outbox.js';
import { retry } from '../retry.js';
import type { Address } from '../ports/index.js';
import { REPLY_RETRY_INTERVAL_MS, REPLY_RETRY_TIMEOUT_MS } from '../protocol.js';
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
  /** Called once the message was sent, or never will be. */
  readonly done: () => void;
}

/** Why nothing more can be sent. */
export type StreamLoss = 'requester-dead' | 'relay' | 'overflow';

/** Sends the events and the end of a handler to the requester: numbered frames, as fast as the requester consumes. */
export class ReplyStream {
  /** Resolves once everything was sent, or nothing more can be. */
  readonly closed: Promise<void>;

  private readonly window: CreditWindow;
  private readonly waiting: Message[] = [];
  private waitingBytes = 0;
  private number = 0;
  private isSending = false;
  /** The end is in the queue, or sent: nothing may follow. */
  private hasEnd = false;
  private isClosed = false;
  private isOverflown = false;
  private resolveClosed = (): void => {};

  constructor(
    private readonly parts: ReplyParts,
    private readonly to: Address,
    private readonly request: string,
    private readonly onLost: (loss: StreamLoss) => void,
  ) {
    this.closed = new Promise((resolve) => (this.resolveClosed = resolve));
    this.window = new CreditWindow(parts.timer, () => this.probe());
  }

  /** True once the handler has ended, even if its end is not sent yet. */
  get hasEnded(): boolean {
    return this.hasEnd;
  }

  /** See BusContext. */
  emit(event: unknown): void | Promise<void> {
    if (this.hasEnd || this.isClosed) return;
    const bytes = encodeEvent(event);
    if (!bytes || (this.isSending && this.waitingBytes + bytes.length > this.parts.waitingBytes))
      return this.overflow();
    if (this.window.hasRoomFor(this.waitingBytes + bytes.length))
      return this.add({ kind: 'event', bytes, done: () => {} });
    return new Promise((done) => this.add({ kind: 'event', bytes, done }));
  }

  end(status: EndStatus, value?: unknown): void {
    if (this.hasEnd || this.isClosed) return;
    this.hasEnd = true;
    this.add({ kind: 'end', bytes: this.encodeEnd(status, value), done: () => this.close() });
  }

  /** The requester has consumed this many bytes in total. */
  credit(consumedBytes: number): void {
    this.window.credit(consumedBytes);
  }

  /** Sends nothing more. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.dropWaiting();
    this.window.open();
    this.resolveClosed();
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
    const chunks = this.parts.outbox.split(this.to, this.request, bytes);
    for (const [index, payload] of chunks.entries()) {
      // The end that reports an overflow does not wait for credit, which may never arrive.
      const isOverflowEnd = this.isOverflown && kind === 'end';
      if (!isOverflowEnd && !this.window.canSend(payload.length)) await this.window.waitForRoom(payload.length);
      if (this.isClosed || (this.isOverflown && kind === 'event')) return;
      this.window.consume(payload.length);
      const frame = { kind, request: this.request, number: this.number, more: index + 1 < chunks.length, payload };
      this.number += 1;
      await this.publish(this.parts.outbox.seal(this.to, frame));
    }
  }

  private async publish(frame: Buffer): Promise<void> {
    const { timer, outbox } = this.parts;
    const isNeeded = (): boolean => !this.isClosed;
    let loss: StreamLoss = 'relay';
    const isReceived = await retry(
      timer,
      { timeoutMs: REPLY_RETRY_TIMEOUT_MS, intervalMs: REPLY_RETRY_INTERVAL_MS, isNeeded },
      async () => {
        loss = 'relay';
        const receivers = await outbox.publish(this.to, frame);
        // The requester is dead, or briefly at another Redis master: then it would not notice the loss of this frame.
        if (receivers === 0) loss = 'requester-dead';
        return receivers > 0;
      },
    );
    if (!isReceived) this.fail(loss);
  }

  /** Checks that the requester still waits: a credit may be lost, or a `cancel`. */
  private probe(): void {
    this.parts.outbox.send(this.to, { kind: 'probe', request: this.request }).then(
      (receivers) => {
        if (receivers === 0) this.fail('requester-dead');
      },
      () => {},
    );
  }

  private fail(loss: StreamLoss): void {
    if (this.isClosed) return;
    this.close();
    this.onLost(loss);
  }

  /** The requester consumes too slowly: report that to it, and send no event after the one that was dropped. */
  private overflow(): void {
    this.isOverflown = true;
    this.dropWaiting();
    this.end('overflow');
    this.window.open();
    this.onLost('overflow');
  }

  private dropWaiting(): void {
    this.waitingBytes = 0;
    for (const { done } of this.waiting.splice(0)) done();
  }

  /** A value that JSON cannot represent is a failure of its handler. */
  private encodeEnd(status: EndStatus, value: unknown): Buffer {
    try {
      return this.parts.gate.encode(status, value);
    } catch {
      return this.parts.gate.encode('failed');
    }
  }
}

function encodeEvent(event: unknown): Buffer | undefined {
  try {
    return toJsonBytes(event);
  } catch {
    return undefined;
  }
}
