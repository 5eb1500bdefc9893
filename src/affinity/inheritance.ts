import { Injectable, Logger } from '@nestjs/common';
import { Readiness } from '../health/index.js';
import { ServerRegistry } from '../registry/index.js';
import { SessionPool, UpstreamPool, type Session } from '../session-pool/index.js';
import { SessionFeeds } from '../subscriptions/index.js';
import { HeirLeaves, NoHeritage } from './affinity.errors.js';
import type { Heritage } from './heritage.js';
import { HeritageSeal } from './heritage-seal.js';
import { Incarnation } from './session-ids.js';
import type { TravellingResource } from './session-orders.js';

/** Takes over sessions that other workers give away. */
@Injectable()
export class Inheritance {
  private readonly logger = new Logger(Inheritance.name);

  constructor(
    private readonly readiness: Readiness,
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
    private readonly feeds: SessionFeeds,
    private readonly registry: ServerRegistry,
    private readonly seal: HeritageSeal,
    private readonly me: Incarnation,
  ) {}

  /** @throws GatewayError when this worker leaves too, has no room, or cannot read it; then nothing is taken */
  take(closed: string): void {
    if (this.readiness.isLeaving) throw new HeirLeaves();
    const heritage = this.seal.open(closed, this.me.text);
    if (!heritage) throw new NoHeritage();
    this.goOn(heritage);
  }

  /**
   * Goes on with a session that its owner has given up, which may have been this worker.
   * @throws SessionLimitReached when there is no room; then nothing is taken
   */
  goOn({ record, upstreams, watched }: Heritage): void {
    const session = this.sessions.adopt(record);
    this.upstreams.adopt(session, upstreams);
    for (const resource of watched) this.watch(session, resource);
  }

  private watch(session: Session, { server: slug, own, uri }: TravellingResource): void {
    const server = this.registry.snapshot.servers.find((known) => known.enabled && known.slug === slug);
    if (!server) return;
    this.feeds.watch(session, { server, own, uri }).then(
      // Whatever changed on the way went unheard.
      () => session.notify({ method: 'notifications/resources/updated', params: { uri } }),
      (cause: unknown) => this.logger.warn(`${slug} does not tell of a resource any more: ${String(cause)}`),
    );
  }
}
