import { Injectable, Logger } from '@nestjs/common';
import { Readiness } from '../lifecycle/index.js';
import { ServerRegistry } from '../registry/index.js';
import { SessionPool, UpstreamPool, type Session } from '../session-pool/index.js';
import { SessionSubscriptions } from '../subscriptions/index.js';
import { CoordinationUnavailable, PreviousOwnerFenced, ReceiverDraining, InvalidHandoff } from './affinity.errors.js';
import { HandoffDirectory } from './handoff-directory.js';
import type { HandoffPayload } from './handoff-payload.js';
import { HandoffCipher } from './handoff-cipher.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { WorkerId } from './session-ids.js';
import type { ForwardedResource } from './session-orders.js';
import { WorkerRegistry } from './worker-registry.js';

/** Accepts sessions that other workers hand off. */
@Injectable()
export class HandoffReceiver {
  private readonly logger = new Logger(HandoffReceiver.name);

  constructor(
    private readonly readiness: Readiness,
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
    private readonly subscriptions: SessionSubscriptions,
    private readonly registry: ServerRegistry,
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
      this.restore(payload);
    } catch (cause) {
      const undo = recordedOwner === undefined ? this.directory.remove(id) : this.directory.record(id, recordedOwner);
      await undo.catch(() => undefined);
      throw cause;
    }
  }

  /**
   * Restores a session that its owner has stopped serving. The owner may have been this worker.
   * @throws SessionLimitReached when the session limit is reached; then nothing is restored
   */
  restore({ record, upstreams, watched }: HandoffPayload): void {
    const session = this.sessions.restore(record);
    this.upstreams.restore(session, upstreams);
    for (const resource of watched) this.resubscribe(session, resource);
  }

  private resubscribe(session: Session, { server: slug, own, uri }: ForwardedResource): void {
    const server = this.registry.find(slug);
    if (!server) return;
    this.subscriptions.subscribe(session, { server, own, uri }).then(
      // The resource may have changed during the handoff, when no subscription was open.
      () => session.notify({ method: 'notifications/resources/updated', params: { uri } }),
      (cause: unknown) => this.logger.warn(`Failed to restore a subscription at server ${slug}: ${String(cause)}`),
    );
  }
}

function throwUnavailable(): never {
  throw new CoordinationUnavailable();
}
