import { Injectable, Logger } from '@nestjs/common';
import { UpstreamPool } from '../connections/index.js';
import { ServerRegistry } from '../registry/index.js';
import { SessionPool, type Session } from '../session-pool/index.js';
import { SessionSubscriptions } from '../subscriptions/index.js';
import type { HandoffPayload } from './handoff-payload.js';
import type { ForwardedResource } from './session-orders.js';

/** Releases a session with everything that moves with it, and restores one that its owner has released. */
@Injectable()
export class SessionTransfer {
  private readonly logger = new Logger(SessionTransfer.name);

  constructor(
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
    private readonly subscriptions: SessionSubscriptions,
    private readonly registry: ServerRegistry,
  ) {}

  /** False for a session that cannot move, whatever else happens to it: it has a connection that is bound to this worker. */
  canRelease(session: Session): boolean {
    return !this.upstreams.isBoundToWorker(session);
  }

  /**
   * Stops serving a session. Returns undefined for a session that cannot move; it stays.
   *
   * @param newOwner id of the worker that receives the first offer
   */
  release(session: Session, newOwner: string): HandoffPayload | undefined {
    const upstreams = this.upstreams.releaseForHandoff(session);
    if (!upstreams) return undefined;
    const watched = this.subscriptions
      .subscribedResources(session)
      .map(({ server, own, uri }) => ({ server: server.slug, own, uri }));
    this.subscriptions.flush(session);
    const record = this.sessions.handOff(session.id, newOwner);
    return record && { record, upstreams, watched };
  }

  /**
   * Restores a session that its owner has stopped serving. The owner may have been this worker.
   * @throws SessionLimitReached when the session limit is reached; then nothing is restored
   */
  restore({ record, upstreams, watched }: HandoffPayload): void {
    const session = this.sessions.restore(record);
    this.subscriptions.restrict(session);
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
