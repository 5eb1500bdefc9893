import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { WorkerBroadcast } from './worker-broadcast.js';
import { WorkersPattern } from './workers-orders.js';

/**
 * Announces to the other workers that this one has joined, before it listens. Otherwise they would learn it from their next
 * heartbeat, and until then both sides would place the same connection at themselves.
 */
@Injectable()
export class JoinAnnouncement implements OnApplicationBootstrap {
  constructor(private readonly broadcast: WorkerBroadcast) {}

  /** A worker that does not answer in time learns it from its heartbeat. */
  async onApplicationBootstrap(): Promise<void> {
    await this.broadcast.queryAll({
      pattern: WorkersPattern.joined,
      payload: {},
      answerLocally: () => true,
      read: () => true,
    });
  }
}
