import { Injectable } from '@nestjs/common';
import { Readiness } from '../lifecycle/index.js';
import { HandoffDirectory } from './handoff-directory.js';
import type { HandoffPayload } from './handoff-payload.js';
import { HandoffCipher } from './handoff-cipher.js';
import { PreviousOwnerFenced, ReceiverDraining, InvalidHandoff } from './affinity.errors.js';
import { SessionTransfer } from './session-transfer.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { CoordinationUnavailable, WorkerId, WorkerRegistry } from '../workers/index.js';

/** Accepts sessions that other workers hand off. */
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
   * Accepts a session from its owner. Rejects with a GatewayError, and accepts nothing, when this worker is draining,
   * has reached its session limit, cannot read the payload, or is too late. Requests for the session are queued
   * meanwhile.
   *
   * @param encrypted the handoff payload
   * @param previousOwner id of the worker that owned the session
   */
  accept(encrypted: string, previousOwner: string): Promise<void> {
    const payload = this.cipher.decrypt(encrypted, this.workerId.text);
    if (!payload) return Promise.reject(new InvalidHandoff());
    const acceptance = this.acceptFrom(previousOwner, payload);
    this.pendingHandoffs.add(payload.record.id, acceptance);
    return acceptance;
  }

  /**
   * A previous owner that was paused may have been declared dead, and its sessions with it: a session that was answered
   * 404 must not come back. So this records the handoff first and then checks whether the previous owner is fenced. A
   * worker that declares the previous owner dead after the check finds the record; one that did so before the check is
   * found by it (ADR 12).
   */
  private async acceptFrom(previousOwner: string, payload: HandoffPayload): Promise<void> {
    const { id } = payload.record;
    const recordedOwner = await this.directory.findNewOwner(id).catch(throwUnavailable);
    await this.directory.record(id, this.workerId.text).catch(throwUnavailable);
    try {
      if (this.readiness.isDraining) throw new ReceiverDraining();
      if (await this.workers.isFenced(previousOwner).catch(throwUnavailable)) throw new PreviousOwnerFenced();
      this.transfer.restore(payload);
    } catch (cause) {
      const undo = recordedOwner === undefined ? this.directory.remove(id) : this.directory.record(id, recordedOwner);
      await undo.catch(() => undefined);
      throw cause;
    }
  }
}

function throwUnavailable(): never {
  throw new CoordinationUnavailable();
}
