import { Injectable, Logger } from '@nestjs/common';
import { isJsonObject, type Outcome } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { WorkerBus, type BusEnd } from '#lib/worker-bus';
import type { DrainStep } from '../lifecycle/index.js';
import { SessionPool, type Session } from '../session-pool/index.js';
import { readOutcome, waitForInFlight, rankByRendezvous, WorkerId, WorkerRegistry } from '../workers/index.js';
import type { HandoffPayload } from './handoff-payload.js';
import { HandoffCipher } from './handoff-cipher.js';
import { SessionTransfer } from './session-transfer.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { SessionPattern, type AdoptOrder } from './session-orders.js';

/** A receiver that does not reply within this time may still have accepted the session. */
const OFFER_TIMEOUT_MS = 3_000;
/** Maximum number of concurrent handoffs. Even with event logs of maximum size, a receiver has memory for this many. */
const MAX_CONCURRENT_HANDOFFS = 10;

type OfferResult = 'accepted' | 'refused' | 'unknown';

/**
 * Hands the sessions of a draining worker off to live workers. The owner stops serving a session before it offers it,
 * so at most one worker serves a session at any time (invariant 1). The receiver records the handoff, then accepts the
 * session. The previous owner redirects requests to the new owner for as long as it lives.
 */
@Injectable()
export class SessionHandoff implements DrainStep {
  readonly name = 'Session handoff';
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

  /**
   * Resolves once every session without an in-flight call is handed off. The others follow when their calls are
   * answered.
   */
  async run(): Promise<void> {
    // A worker that has just started can receive sessions; one that has just stopped cannot.
    await this.workers.refresh();
    if (this.otherWorkers.length === 0) return;
    const live = [...this.sessions.liveSessions];
    this.deferred.push(...live.filter(({ canMove }) => !canMove).map((session) => this.handOffWhenIdle(session)));
    const idle = live.filter(({ canMove }) => canMove);
    const transfers = Array.from({ length: MAX_CONCURRENT_HANDOFFS }, async () => {
      for (let session = idle.pop(); session; session = idle.pop()) {
        if (session.canMove) await this.handOff(session);
        // The client has sent a call while other sessions were handed off.
        else this.deferred.push(this.handOffWhenIdle(session));
      }
    });
    await Promise.all(transfers);
  }

  /** Hands off the sessions whose calls have ended by now. A session that cannot move ends with its last answer. */
  async finish(clock: Clock): Promise<void> {
    // Sessions may have been opened since the first run.
    await this.run();
    // Without another worker, each session ends here with its last answer.
    if (this.otherWorkers.length === 0) return;
    const idle = [...this.sessions.liveSessions].map((session) => session.whenCallsFinished());
    await waitForInFlight(Promise.all([...this.deferred, ...idle]), clock);
    if (this.handedOffCount > 0) this.logger.log(`Handed off ${this.handedOffCount} sessions to other workers.`);
  }

  private async handOffWhenIdle(session: Session): Promise<void> {
    // An HTTP+SSE session ends with its last answer.
    if (session.start.answersOnServerStream) return;
    // Questions that belong to no call may stay unanswered for minutes.
    if (this.transfer.canRelease(session)) session.unsolicited.limitQuestions();
    while (!session.canMove && !session.isEnded) await session.whenCallsFinished();
    if (session.canMove) await this.handOff(session);
  }

  private async handOff(session: Session): Promise<void> {
    const move = this.move(session);
    this.pendingHandoffs.add(session.id, move);
    await move.catch((cause: unknown) => this.logger.warn(`Failed to hand off a session: ${String(cause)}`));
  }

  private async move(session: Session): Promise<void> {
    const ranked = rankByRendezvous(session.id, this.otherWorkers);
    const [first] = ranked;
    const payload = first === undefined ? undefined : this.transfer.release(session, first);
    if (!payload) return;
    for (const receiver of ranked) {
      const offerResult = await this.offer(receiver, payload);
      if (offerResult === 'refused') continue;
      this.sessions.setNewOwner(session.id, receiver);
      this.handedOffCount += 1;
      return;
    }
    // No worker accepted the session; keep it until shutdown.
    this.sessions.setNewOwner(session.id, undefined);
    this.transfer.restore(payload);
  }

  private async offer(receiver: string, payload: HandoffPayload): Promise<OfferResult> {
    const adoption = { payload: this.cipher.encrypt(payload, receiver) } satisfies AdoptOrder;
    const order = { to: receiver, pattern: SessionPattern.adopt, payload: adoption, budgetMs: OFFER_TIMEOUT_MS };
    return toOfferResult(await this.bus.request(order).end);
  }

  private get otherWorkers(): readonly string[] {
    return this.workers.aliveIds.filter((worker) => worker !== this.workerId.text);
  }
}

/** `unknown` counts as accepted: offering the session to a further worker could make two workers serve it. */
function toOfferResult(end: BusEnd): OfferResult {
  if (end.kind === 'value') return outcomeToOfferResult(readOutcome(end.value));
  if (end.kind === 'unknown' || end.kind === 'failed') return 'unknown';
  return 'refused';
}

function outcomeToOfferResult(outcome: Outcome | undefined): OfferResult {
  if (!outcome) return 'unknown';
  if (outcome.kind === 'result') return 'accepted';
  const { data } = outcome.error;
  // An internal error at the receiver may have occurred after it accepted the session.
  return isJsonObject(data) && data['outcome'] === 'unknown' ? 'unknown' : 'refused';
}
