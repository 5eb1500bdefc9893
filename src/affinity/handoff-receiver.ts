import { Injectable } from '@nestjs/common';
import { Readiness } from '../health/index.js';
import { PreviousOwnerFenced, ReceiverDraining, InvalidHandoff } from './affinity.errors.js';
import { HandoffDirectory } from './handoff-directory.js';
import type { HandoffPayload } from './handoff-payload.js';
import { HandoffCipher } from './handoff-cipher.js';
import { SessionTransfer } from './session-transfer.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { CoordinationUnavailable, WorkerId, WorkerRegistry } from '../workers/index.js';

/** Takes over sessions that other workers give away. */
@Injectable()
export class HandoffReceiver {
  constructor(
    private readonly readiness: Readiness,
    private readonly transfer: SessionTransfer,
    private readonly cipher: HandoffCipher,
    private readonly workerId: WorkerId,
    private readonly workers: WorkerRegistry,
    private readonly directory: HandoffDirectory,
    private readonly pendingHandoffs: PendingHandoffs,
  ) {}

  /**
   * Takes a session over from its owner. Rejects with a GatewayError when this worker leaves too, has no room, cannot
   * read it, or comes too late; then nothing is taken. Whoever asks for the session meanwhile waits.
   *
   * @param giver incarnation of the owner
   */
  accept(closed: string, giver: string): Promise<void> {
    const heritage = this.cipher.decrypt(closed, this.workerId.text);
    if (!heritage) return Promise.reject(new InvalidHandoff());
    const taking = this.acceptFrom(giver, heritage);
    this.pendingHandoffs.add(heritage.record.id, taking);
    return taking;
  }

  /**
   * An owner that slept may have been declared gone, and its session with it: what was answered 404 must not come back.
   * So it is written down first where the session goes, and only then looked whether its owner still counts. Whoever
   * declares the owner gone later finds what was written; whoever did so before is found here.
   */
  private async acceptFrom(giver: string, heritage: HandoffPayload): Promise<void> {
    const { id } = heritage.record;
    const before = await this.directory.findNewOwner(id).catch(throwUnavailable);
    await this.directory.record(id, this.workerId.text).catch(throwUnavailable);
    try {
      if (this.readiness.isDraining) throw new ReceiverDraining();
      if (await this.workers.isFenced(giver).catch(throwUnavailable)) throw new PreviousOwnerFenced();
      this.transfer.restore(heritage);
    } catch (cause) {
      const undoing = before === undefined ? this.directory.remove(id) : this.directory.record(id, before);
      await undoing.catch(() => undefined);
      throw cause;
    }
  }
}

function throwUnavailable(): never {
  throw new CoordinationUnavailable();
}
