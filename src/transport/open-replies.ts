import { Injectable, type BeforeApplicationShutdown, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '#lib/time';
import { TransportConfig } from './transport.config.js';

/** A response that is not complete yet. */
export interface OpenReply {
  /** Managed by `OpenReplies`: position of the reply and the round in which it was added. */
  slot?: Slot | undefined;
  /** Called in every interval while the reply is open, so that proxies do not close its connection as idle. */
  keepAlive(): void;
  /** Called when the worker drains: completes the reply if it does not await an answer of a server. */
  onDrain(): void;
}

interface Slot {
  index: number;
  readonly since: number;
}

/** Keeps open replies alive with one shared timer, and notifies them when the worker drains. */
@Injectable()
export class OpenReplies implements BeforeApplicationShutdown, OnApplicationShutdown {
  // An array instead of a map: a map with one insertion and deletion per call promotes its tables to the old generation.
  private readonly replies: OpenReply[] = [];
  private readonly stopKeepAlive: () => void;
  private round = 0;
  private isDraining = false;

  constructor(config: TransportConfig, clock: Clock) {
    this.stopKeepAlive = clock.every(config.keepAliveMs, () => this.keepAllAlive());
  }

  get size(): number {
    return this.replies.length;
  }

  add(reply: OpenReply): void {
    reply.slot = { index: this.replies.length, since: this.round };
    this.replies.push(reply);
    // Its request was received before the drain began. Deferred until the constructor of the reply has finished.
    if (this.isDraining) queueMicrotask(() => reply.slot && reply.onDrain());
  }

  /** Moves the last reply to the freed position. */
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

  /** The timer runs until here: in-flight calls are kept alive while they finish. */
  onApplicationShutdown(): void {
    this.stopKeepAlive();
  }

  /** Skips replies that were added in the current round. */
  private keepAllAlive(): void {
    for (const reply of this.replies.slice()) if (reply.slot && reply.slot.since < this.round) reply.keepAlive();
    this.round += 1;
  }
}
