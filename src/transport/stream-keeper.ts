import { Injectable, type BeforeApplicationShutdown, type OnApplicationShutdown } from '@nestjs/common';
import { TransportConfig } from './transport.config.js';

/** A response that is not complete yet. */
export interface OpenReply {
  /** Managed by `OpenReplies`: position of the reply and the round in which it was added. */
  kept?: Place | undefined;
  /** Called in every interval while the reply is open, so that proxies do not close its connection as idle. */
  keepAlive(): void;
  /** Called when the worker drains: completes the reply if it does not await an answer of a server. */
  leave(): void;
}

interface Place {
  index: number;
  readonly since: number;
}

/** Keeps open replies alive with one shared timer, and notifies them when the worker drains. */
@Injectable()
export class StreamKeeper implements BeforeApplicationShutdown, OnApplicationShutdown {
  // An array instead of a map: a map with one insertion and deletion per call promotes its tables to the old generation.
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
    // Its request was received before the drain began. Deferred until the constructor of the reply has finished.
    if (this.isLeaving) queueMicrotask(() => reply.kept && reply.leave());
  }

  /** Moves the last reply to the freed position. */
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

  /** The timer runs until here: in-flight calls are kept alive while they finish. */
  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Skips replies that were added in the current round. */
  private keepAlive(): void {
    for (const reply of this.open.slice()) if (reply.kept && reply.kept.since < this.round) reply.keepAlive();
    this.round += 1;
  }
}
