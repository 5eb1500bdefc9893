import { Injectable, Logger } from '@nestjs/common';
import { Readiness } from '../health/index.js';
import { ServerRegistry } from '../registry/index.js';
import { SessionPool, UpstreamPool, type Session } from '../session-pool/index.js';
import { SessionFeeds } from '../subscriptions/index.js';
import { CoordinationUnavailable, GiverGone, HeirLeaves, NoHeritage } from './affinity.errors.js';
import { Heirs } from './heirs.js';
import type { Heritage } from './heritage.js';
import { HeritageSeal } from './heritage-seal.js';
import { Moves } from './moves.js';
import { Incarnation } from './session-ids.js';
import type { TravellingResource } from './session-orders.js';
import { Workers } from './workers.js';

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
    private readonly workers: Workers,
    private readonly heirs: Heirs,
    private readonly moves: Moves,
  ) {}

  /**
   * Takes a session over from its owner. Rejects with a GatewayError when this worker leaves too, has no room, cannot
   * read it, or comes too late; then nothing is taken. Whoever asks for the session meanwhile waits.
   *
   * @param giver incarnation of the owner
   */
  take(closed: string, giver: string): Promise<void> {
    const heritage = this.seal.open(closed, this.me.text);
    if (!heritage) return Promise.reject(new NoHeritage());
    const taking = this.takeFrom(giver, heritage);
    this.moves.begin(heritage.record.id, taking);
    return taking;
  }

  /**
   * An owner that slept may have been declared gone, and its session with it: what was answered 404 must not come back.
   * So it is written down first where the session goes, and only then looked whether its owner still counts. Whoever
   * declares the owner gone later finds what was written; whoever did so before is found here.
   */
  private async takeFrom(giver: string, heritage: Heritage): Promise<void> {
    const { id } = heritage.record;
    const before = await this.heirs.of(id).catch(unavailable);
    await this.heirs.remember(id, this.me.text).catch(unavailable);
    try {
      if (this.readiness.isLeaving) throw new HeirLeaves();
      if (await this.workers.isBuried(giver).catch(unavailable)) throw new GiverGone();
      this.goOn(heritage);
    } catch (cause) {
      const undoing = before === undefined ? this.heirs.forget(id) : this.heirs.remember(id, before);
      await undoing.catch(() => undefined);
      throw cause;
    }
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
    const server = this.registry.find(slug);
    if (!server) return;
    this.feeds.watch(session, { server, own, uri }).then(
      // Whatever changed on the way went unheard.
      () => session.notify({ method: 'notifications/resources/updated', params: { uri } }),
      (cause: unknown) => this.logger.warn(`${slug} does not tell of a resource any more: ${String(cause)}`),
    );
  }
}

function unavailable(): never {
  throw new CoordinationUnavailable();
}
