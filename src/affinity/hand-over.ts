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

/** A receiver that does not reply within this time may still have accepted the session. */
const PATIENCE_MS = 3_000;
/** Maximum number of concurrent handoffs. Even with event logs of maximum size, a receiver has memory for this many. */
const MOST_UNDER_WAY = 10;

type Received = 'taken' | 'refused' | 'unknown';

/**
 * Hands the sessions of a draining worker off to live workers. The owner stops serving a session before it offers it,
 * so at most one worker serves a session at any time (invariant 1). The receiver records the handoff, then accepts the
 * session. The previous owner redirects requests to the new owner for as long as it lives.
 */
@Injectable()
export class HandOver implements BeforeApplicationShutdown {
  readonly name = 'Session handoff';
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

  /**
   * Resolves once every session without an in-flight call is handed off. The others follow when their calls are
   * answered.
   */
  async run(): Promise<void> {
    // A worker that has just started can receive sessions; one that has just stopped cannot.
    await this.workers.refresh();
    if (this.others.length === 0) return;
    const live = [...this.sessions.live];
    this.later.push(...live.filter(({ canMove }) => !canMove).map((session) => this.giveLater(session)));
    const idle = live.filter(({ canMove }) => canMove);
    const transfers = Array.from({ length: MOST_UNDER_WAY }, async () => {
      for (let session = idle.pop(); session; session = idle.pop()) {
        if (session.canMove) await this.give(session);
        // The client has sent a call while other sessions were handed off.
        else this.later.push(this.giveLater(session));
      }
    });
    await Promise.all(transfers);
  }

  /** Hands off the sessions whose calls have ended by now. A session that cannot move ends with its last answer. */
  async beforeApplicationShutdown(): Promise<void> {
    // Sessions may have been opened since the first run.
    await this.run();
    // Without another worker, each session ends here with its last answer.
    if (this.others.length === 0) return;
    const idle = [...this.sessions.live].map((session) => session.whenQuiet());
    await lastCalls(Promise.all([...this.later, ...idle]));
    if (this.given > 0) this.logger.log(`Handed off ${this.given} sessions to other workers.`);
  }

  private async giveLater(session: Session): Promise<void> {
    const isBound = session.start.answersOnStandingStream;
    while (!session.canMove && !session.ended && !isBound) await session.whenQuiet();
    if (session.canMove) await this.give(session);
  }

  private async give(session: Session): Promise<void> {
    const transfer = this.move(session);
    this.moves.begin(session.id, transfer);
    await transfer.catch((cause: unknown) => this.logger.warn(`Failed to hand off a session: ${String(cause)}`));
  }

  private async move(session: Session): Promise<void> {
    const ranked = rendezvous(session.id, this.others);
    const [first] = ranked;
    const upstreams = first === undefined ? undefined : this.upstreams.surrenderOf(session);
    if (first === undefined || !upstreams) return;
    const watched = this.feeds.watchedBy(session).map(({ server, own, uri }) => ({ server: server.slug, own, uri }));
    this.feeds.flush(session);
    const record = this.sessions.handOver(session.id, first);
    if (!record) return;
    const payload: Heritage = { record, upstreams, watched };
    for (const receiver of ranked) {
      const offerResult = await this.offer(receiver, payload);
      if (offerResult === 'refused') continue;
      this.sessions.pointTo(session.id, receiver);
      this.given += 1;
      return;
    }
    // No worker accepted the session; keep it until shutdown.
    this.sessions.pointTo(session.id, undefined);
    this.inheritance.goOn(payload);
  }

  private async offer(receiver: string, payload: Heritage): Promise<Received> {
    const adoption = { heritage: this.seal.close(payload, receiver) } satisfies AdoptOrder;
    const order = { to: receiver, pattern: SessionPattern.adopt, payload: adoption, budgetMs: PATIENCE_MS };
    return receivedBy(await this.bus.request(order).end);
  }

  private get others(): readonly string[] {
    return this.workers.living.filter((worker) => worker !== this.me.text);
  }
}

/** `unknown` counts as accepted: offering the session to a further worker could make two workers serve it. */
function receivedBy(end: BusEnd): Received {
  if (end.kind === 'value') return receivedByOutcome(readOutcome(end.value));
  if (end.kind === 'unknown' || end.kind === 'failed') return 'unknown';
  return 'refused';
}

function receivedByOutcome(outcome: Outcome | undefined): Received {
  if (!outcome) return 'unknown';
  if (outcome.kind === 'result') return 'taken';
  const { data } = outcome.error;
  // An internal error at the receiver may have occurred after it accepted the session.
  return isJsonObject(data) && data['outcome'] === 'unknown' ? 'unknown' : 'refused';
}
