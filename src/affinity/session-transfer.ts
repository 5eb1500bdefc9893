import { Injectable, Logger } from '@nestjs/common';
import { UpstreamPool } from '../connections/index.js';
import { ServerRegistry } from '../registry/index.js';
import { SessionPool, type Session } from '../session-pool/index.js';
import { SessionFeeds } from '../subscriptions/index.js';
import type { HandoffPayload } from './handoff-payload.js';
import type { ForwardedResource } from './session-orders.js';

/** Takes a session apart for another worker, and goes on here with one that another worker has given up. */
@Injectable()
export class SessionTransfer {
  private readonly logger = new Logger(SessionTransfer.name);

  constructor(
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
    private readonly subscriptions: SessionFeeds,
    private readonly registry: ServerRegistry,
  ) {}

  /**
   * Gives a session up here. Undefined for one that cannot move; it stays.
   *
   * @param newOwner incarnation of the worker that is asked first to go on with it
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
   * Goes on with a session that its owner has given up, which may have been this worker.
   * @throws SessionLimitReached when there is no room; then nothing is taken
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
      // Whatever changed on the way went unheard.
      () => session.notify({ method: 'notifications/resources/updated', params: { uri } }),
      (cause: unknown) => this.logger.warn(`${slug} does not tell of a resource any more: ${String(cause)}`),
    );
  }
}
