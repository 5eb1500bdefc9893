import { Injectable, Logger } from '@nestjs/common';
import { isJsonObject, type Outcome } from '#lib/mcp-protocol';
import { WorkerBus, type BusEnd } from '#lib/worker-bus';
import type { LeavingStep } from '../drain/index.js';
import { SessionPool, type Session } from '../session-pool/index.js';
import { readOutcome, waitForInFlight, rankByRendezvous, WorkerId, WorkerRegistry } from '../workers/index.js';
import type { HandoffPayload } from './handoff-payload.js';
import { HandoffCipher } from './handoff-cipher.js';
import { SessionTransfer } from './session-transfer.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { SessionPattern, type AdoptOrder } from './session-orders.js';

/** An heir that does not answer within this time may have taken the session all the same. */
const OFFER_TIMEOUT_MS = 3_000;
/** Sessions that are on their way at a time: with all their events, at their largest, an heir still has room for them. */
const MAX_CONCURRENT_HANDOFFS = 10;

type OfferResult = 'taken' | 'refused' | 'unknown';

/**
 * Gives the sessions of a worker that leaves to living ones. The owner itself gives each up first, so that at no moment
 * two serve it: it stops, the heir writes down that it has it and takes it, and the old owner points there as long as it
 * lives.
 */
@Injectable()
export class SessionHandoff implements LeavingStep {
  readonly name = 'The hand-over of sessions';
  private readonly logger = new Logger(SessionHandoff.name);
  private readonly deferred: Promise<void>[] = [];
  private handedOffCount = 0;

  constructor(
    private readonly workerId: WorkerId,
    private readonly sessions: SessionPool,
    private readonly workers: WorkerRegistry,
    private readonly pendingHandoffs: PendingHandoffs,
    private readonly bus: WorkerBus,
    private readonly cipher: HandoffCipher,
    private readonly transfer: SessionTransfer,
  ) {}

  /** Resolves once every session without a call in flight has moved; the others follow as they are answered. */
  async run(): Promise<void> {
    // One that came just now may take them; one that went just now could not.
    await this.workers.refresh();
    if (this.otherWorkers.length === 0) return;
    const live = [...this.sessions.liveSessions];
    this.deferred.push(...live.filter(({ canMove }) => !canMove).map((session) => this.handOffWhenIdle(session)));
    const quiet = live.filter(({ canMove }) => canMove);
    const giving = Array.from({ length: MAX_CONCURRENT_HANDOFFS }, async () => {
      for (let session = quiet.pop(); session; session = quiet.pop()) {
        if (session.canMove) await this.handOff(session);
        // Its client has called while others were given away.
        else this.deferred.push(this.handOffWhenIdle(session));
      }
    });
    await Promise.all(giving);
  }

  /** Calls in flight still finish; their sessions go last. Those that cannot go end with their last answer. */
  async finish(): Promise<void> {
    // Some may have been opened since.
    await this.run();
    // With nobody to go to they end anyhow, each with its last answer.
    if (this.otherWorkers.length === 0) return;
    const quiet = [...this.sessions.liveSessions].map((session) => session.whenCallsFinished());
    await waitForInFlight(Promise.all([...this.deferred, ...quiet]));
    if (this.handedOffCount > 0) this.logger.log(`${this.handedOffCount} sessions were given to other workers.`);
  }

  private async handOffWhenIdle(session: Session): Promise<void> {
    const isBound = session.start.answersOnStandingStream;
    while (!session.canMove && !session.isEnded && !isBound) await session.whenCallsFinished();
    if (session.canMove) await this.handOff(session);
  }

  private async handOff(session: Session): Promise<void> {
    const move = this.move(session);
    this.pendingHandoffs.add(session.id, move);
    await move.catch((cause: unknown) => this.logger.warn(`A session was not given away: ${String(cause)}`));
  }

  private async move(session: Session): Promise<void> {
    const ranked = rankByRendezvous(session.id, this.otherWorkers);
    const [first] = ranked;
    const heritage = first === undefined ? undefined : this.transfer.release(session, first);
    if (!heritage) return;
    for (const heir of ranked) {
      const received = await this.offer(heir, heritage);
      if (received === 'refused') continue;
      this.sessions.setNewOwner(session.id, heir);
      this.handedOffCount += 1;
      return;
    }
    // Nobody wants it: it stays, and ends with this worker.
    this.sessions.setNewOwner(session.id, undefined);
    this.transfer.restore(heritage);
  }

  private async offer(heir: string, heritage: HandoffPayload): Promise<OfferResult> {
    const payload = { heritage: this.cipher.encrypt(heritage, heir) } satisfies AdoptOrder;
    const order = { to: heir, pattern: SessionPattern.adopt, payload, budgetMs: OFFER_TIMEOUT_MS };
    return toOfferResult(await this.bus.request(order).end);
  }

  private get otherWorkers(): readonly string[] {
    return this.workers.aliveIds.filter((worker) => worker !== this.workerId.text);
  }
}

/** `unknown` counts as taken: to give the session to yet another worker could make two serve it. */
function toOfferResult(end: BusEnd): OfferResult {
  if (end.kind === 'value') return outcomeToOfferResult(readOutcome(end.value));
  if (end.kind === 'unknown' || end.kind === 'failed') return 'unknown';
  return 'refused';
}

function outcomeToOfferResult(outcome: Outcome | undefined): OfferResult {
  if (!outcome) return 'unknown';
  if (outcome.kind === 'result') return 'taken';
  const { data } = outcome.error;
  // A defect there may have come to light after the session was taken.
  return isJsonObject(data) && data['outcome'] === 'unknown' ? 'unknown' : 'refused';
}
