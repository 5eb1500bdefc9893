import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { TransportConfig } from './transport.config.js';

/** An answer that is not complete yet. */
export interface OpenReply {
  /** Called so often while the answer is open: keeps its connection from being cut as idle. */
  keepAlive(): void;
  /** The worker is leaving: complete the answer if that needs nobody else. */
  leave(): void;
}

/** Keeps open answers alive with one timer for all of them, and ends the standing ones when the worker leaves. */
@Injectable()
export class StreamKeeper implements BeforeApplicationShutdown {
  private readonly open = new Map<OpenReply, number>();
  private readonly timer: NodeJS.Timeout;
  private round = 0;

  constructor(config: TransportConfig) {
    this.timer = setInterval(() => this.keepAlive(), config.keepAliveMs).unref();
  }

  add(reply: OpenReply): void {
    this.open.set(reply, this.round);
  }

  remove(reply: OpenReply): void {
    this.open.delete(reply);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
    for (const reply of this.open.keys()) reply.leave();
  }

  /** What was opened within the current round is young enough to be left alone. */
  private keepAlive(): void {
    for (const [reply, since] of this.open) if (since < this.round) reply.keepAlive();
    this.round += 1;
  }
}
