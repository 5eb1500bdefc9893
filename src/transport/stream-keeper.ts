import { Injectable, type BeforeApplicationShutdown, type OnApplicationShutdown } from '@nestjs/common';
import { TransportConfig } from './transport.config.js';

/** An answer that is not complete yet. */
export interface OpenReply {
  /** Where and since when it is kept; belongs to the keeper. */
  kept?: Place | undefined;
  /** Called so often while the answer is open: keeps its connection from being cut as idle. */
  keepAlive(): void;
  /** The worker is leaving: complete the answer if that needs nobody else. */
  leave(): void;
}

interface Place {
  index: number;
  readonly since: number;
}

/** Keeps open answers alive with one timer for all of them, and ends the standing ones when the worker leaves. */
@Injectable()
export class StreamKeeper implements BeforeApplicationShutdown, OnApplicationShutdown {
  // An array, not a map: tables of a map that sees one entry come and go with each call make all of them grow old.
  private readonly open: OpenReply[] = [];
  private readonly timer: NodeJS.Timeout;
  private round = 0;
  private isLeaving = false;

  constructor(config: TransportConfig) {
    this.timer = setInterval(() => this.keepAlive(), config.keepAliveMs).unref();
  }

  add(reply: OpenReply): void {
    reply.kept = { index: this.open.length, since: this.round };
    this.open.push(reply);
    // Its request came in before the worker began to leave. It is told once it is complete itself.
    if (this.isLeaving) queueMicrotask(() => reply.kept && reply.leave());
  }

  /** Fills the gap with the last one. */
  remove(reply: OpenReply): void {
    const { kept } = reply;
    if (!kept) return;
    reply.kept = undefined;
    const last = this.open.pop();
    if (!last?.kept || last === reply) return;
    last.kept.index = kept.index;
    this.open[kept.index] = last;
  }

  beforeApplicationShutdown(): void {
    this.isLeaving = true;
    for (const reply of this.open.slice()) reply.leave();
  }

  /** Until now: calls in flight are kept alive while they finish. */
  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** What was opened within the current round is young enough to be left alone. */
  private keepAlive(): void {
    for (const reply of this.open.slice()) if (reply.kept && reply.kept.since < this.round) reply.keepAlive();
    this.round += 1;
  }
}
