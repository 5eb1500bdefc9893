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

/** Accepts sessions that other workers hand off. */
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
   * Accepts a session from its owner. Rejects with a GatewayError, and accepts nothing, when this worker is draining,
   * has reached its session limit, cannot read the payload, or is too late. Requests for the session are queued
   * meanwhile.
   *
   * @param encrypted the handoff payload
   * @param previousOwner id of the worker that owned the session
   */
  take(encrypted: string, previousOwner: string): Promise<void> {
    const payload = this.seal.open(encrypted, this.me.text);
    if (!payload) return Promise.reject(new NoHeritage());
    const acceptance = this.takeFrom(previousOwner, payload);
    this.moves.begin(payload.record.id, acceptance);
    return acceptance;
  }

  /**
   * A previous owner that was paused may have been declared dead, and its sessions with it: a session that was answered
   * 404 must not come back. So this records the handoff first and then checks whether the previous owner is fenced. A
   * worker that declares the previous owner dead after the check finds the record; one that did so before the check is
   * found by it (ADR 12).
   */
  private async takeFrom(previousOwner: string, payload: Heritage): Promise<void> {
    const { id } = payload.record;
    const recordedOwner = await this.heirs.of(id).catch(unavailable);
    await this.heirs.remember(id, this.me.text).catch(unavailable);
    try {
      if (this.readiness.isLeaving) throw new HeirLeaves();
      if (await this.workers.isBuried(previousOwner).catch(unavailable)) throw new GiverGone();
      this.goOn(payload);
    } catch (cause) {
      const undo = recordedOwner === undefined ? this.heirs.forget(id) : this.heirs.remember(id, recordedOwner);
      await undo.catch(() => undefined);
      throw cause;
    }
  }

  /**
   * Restores a session that its owner has stopped serving. The owner may have been this worker.
   * @throws SessionLimitReached when the session limit is reached; then nothing is restored
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
      // The resource may have changed during the handoff, when no subscription was open.
      () => session.notify({ method: 'notifications/resources/updated', params: { uri } }),
      (cause: unknown) => this.logger.warn(`Failed to restore a subscription at server ${slug}: ${String(cause)}`),
    );
  }
}

function unavailable(): never {
  throw new CoordinationUnavailable();
}
