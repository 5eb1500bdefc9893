import { Injectable, type BeforeApplicationShutdown, type OnApplicationShutdown } from '@nestjs/common';
import { TransportConfig } from './transport.config.js';

/** An answer that is not complete yet. */
export interface OpenReply {
  /** Where and since when it is kept; belongs to the keeper. */
  slot?: Slot | undefined;
  /** Called so often while the answer is open: keeps its connection from being cut as idle. */
  keepAlive(): void;
  /** The worker is leaving: complete the answer if that needs nobody else. */
  onDrain(): void;
}

interface Slot {
  index: number;
  readonly since: number;
}

/** Keeps open answers alive with one timer for all of them, and ends the standing ones when the worker leaves. */
@Injectable()
export class OpenReplies implements BeforeApplicationShutdown, OnApplicationShutdown {
  // An array, not a map: tables of a map that sees one entry come and go with each call make all of them grow old.
  private readonly replies: OpenReply[] = [];
  private readonly timer: NodeJS.Timeout;
  private round = 0;
  private isDraining = false;

  constructor(config: TransportConfig) {
    this.timer = setInterval(() => this.keepAllAlive(), config.keepAliveMs).unref();
  }

  add(reply: OpenReply): void {
    reply.slot = { index: this.replies.length, since: this.round };
    this.replies.push(reply);
    // Its request came in before the worker began to leave. It is told once it is complete itself.
    if (this.isDraining) queueMicrotask(() => reply.slot && reply.onDrain());
  }

  /** Fills the gap with the last one. */
  remove(reply: OpenReply): void {
    const { slot: kept } = reply;
    if (!kept) return;
    reply.slot = undefined;
    const last = this.replies.pop();
    if (!last?.slot || last === reply) return;
    last.slot.index = kept.index;
    this.replies[kept.index] = last;
  }

  beforeApplicationShutdown(): void {
    this.isDraining = true;
    for (const reply of this.replies.slice()) reply.onDrain();
  }

  /** Until now: calls in flight are kept alive while they finish. */
  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** What was opened within the current round is young enough to be left alone. */
  private keepAllAlive(): void {
    for (const reply of this.replies.slice()) if (reply.slot && reply.slot.since < this.round) reply.keepAlive();
    this.round += 1;
  }
}
