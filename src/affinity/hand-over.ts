import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { isJsonObject, type Outcome } from '#lib/mcp-protocol';
import { WorkerBus, type BusEnd } from '#lib/worker-bus';
import { SessionPool, UpstreamPool, type Session } from '../session-pool/index.js';
import { SessionFeeds } from '../subscriptions/index.js';
import { readOutcome } from './bus-outcomes.js';
import type { Heritage } from './heritage.js';
import { HeritageSeal } from './heritage-seal.js';
import { Inheritance } from './inheritance.js';
import { lastCalls } from './last-calls.js';
import { Moves } from './moves.js';
import { rendezvous } from './rendezvous.js';
import { Incarnation } from './session-ids.js';
import { SessionPattern, type AdoptOrder } from './session-orders.js';
import { Workers } from './workers.js';

/** An heir that does not answer within this time may have taken the session all the same. */
const PATIENCE_MS = 3_000;
/** Sessions that are on their way at a time: with all their events, at their largest, an heir still has room for them. */
const MOST_UNDER_WAY = 10;

type Received = 'taken' | 'refused' | 'unknown';

/**
 * Gives the sessions of a worker that leaves to living ones. The owner itself gives each up first, so that at no moment
 * two serve it: it stops, the heir writes down that it has it and takes it, and the old owner points there as long as it
 * lives.
 */
@Injectable()
export class HandOver implements BeforeApplicationShutdown {
  readonly name = 'The hand-over of sessions';
  private readonly logger = new Logger(HandOver.name);
  private readonly later: Promise<void>[] = [];
  private given = 0;

  constructor(
    private readonly me: Incarnation,
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
    private readonly feeds: SessionFeeds,
    private readonly workers: Workers,
    private readonly moves: Moves,
    private readonly bus: WorkerBus,
    private readonly seal: HeritageSeal,
    private readonly inheritance: Inheritance,
  ) {}

  /** Resolves once every session without a call in flight has moved; the others follow as they are answered. */
  async run(): Promise<void> {
    // One that came just now may take them; one that went just now could not.
    await this.workers.refresh();
    if (this.others.length === 0) return;
    const live = [...this.sessions.live];
    this.later.push(...live.filter(({ canMove }) => !canMove).map((session) => this.giveLater(session)));
    const quiet = live.filter(({ canMove }) => canMove);
    const giving = Array.from({ length: MOST_UNDER_WAY }, async () => {
      for (let session = quiet.pop(); session; session = quiet.pop()) {
        if (session.canMove) await this.give(session);
        // Its client has called while others were given away.
        else this.later.push(this.giveLater(session));
      }
    });
    await Promise.all(giving);
  }

  /** Calls in flight still finish; their sessions go last. Those that cannot go end with their last answer. */
  async beforeApplicationShutdown(): Promise<void> {
    // Some may have been opened since.
    await this.run();
    // With nobody to go to they end anyhow, each with its last answer.
    if (this.others.length === 0) return;
    const quiet = [...this.sessions.live].map((session) => session.whenQuiet());
    await lastCalls(Promise.all([...this.later, ...quiet]));
    if (this.given > 0) this.logger.log(`${this.given} sessions were given to other workers.`);
  }

  private async giveLater(session: Session): Promise<void> {
    const isBound = session.start.answersOnStandingStream;
    while (!session.canMove && !session.ended && !isBound) await session.whenQuiet();
    if (session.canMove) await this.give(session);
  }

  private async give(session: Session): Promise<void> {
    const move = this.move(session);
    this.moves.begin(session.id, move);
    await move.catch((cause: unknown) => this.logger.warn(`A session was not given away: ${String(cause)}`));
  }

  private async move(session: Session): Promise<void> {
    const ranked = rendezvous(session.id, this.others);
    const [first] = ranked;
    const states = first === undefined ? undefined : this.upstreams.surrenderOf(session);
    if (first === undefined || !states) return;
    const watched = this.feeds.watchedBy(session).map(({ server, own, uri }) => ({ server: server.slug, own, uri }));
    this.feeds.flush(session);
    const record = this.sessions.handOver(session.id, first);
    if (!record) return;
    const heritage: Heritage = { record, upstreams: states, watched };
    for (const heir of ranked) {
      const received = await this.offer(heir, heritage);
      if (received === 'refused') continue;
      this.sessions.pointTo(session.id, heir);
      this.given += 1;
      return;
    }
    // Nobody wants it: it stays, and ends with this worker.
    this.sessions.pointTo(session.id, undefined);
    this.inheritance.goOn(heritage);
  }

  private async offer(heir: string, heritage: Heritage): Promise<Received> {
    const payload = { heritage: this.seal.close(heritage, heir) } satisfies AdoptOrder;
    const order = { to: heir, pattern: SessionPattern.adopt, payload, budgetMs: PATIENCE_MS };
    return receivedBy(await this.bus.request(order).end);
  }

  private get others(): readonly string[] {
    return this.workers.living.filter((worker) => worker !== this.me.text);
  }
}

/** `unknown` counts as taken: to give the session to yet another worker could make two serve it. */
function receivedBy(end: BusEnd): Received {
  if (end.kind === 'value') return receivedByOutcome(readOutcome(end.value));
  if (end.kind === 'unknown' || end.kind === 'failed') return 'unknown';
  return 'refused';
}

function receivedByOutcome(outcome: Outcome | undefined): Received {
  if (!outcome) return 'unknown';
  if (outcome.kind === 'result') return 'taken';
  const { data } = outcome.error;
  // A defect there may have come to light after the session was taken.
  return isJsonObject(data) && data['outcome'] === 'unknown' ? 'unknown' : 'refused';
}
