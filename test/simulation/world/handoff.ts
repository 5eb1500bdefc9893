import type { BusEnd } from '#lib/worker-bus';
import type { BusNode } from '#lib/worker-bus/testing';
import type { ServedSessions } from './served-sessions.js';

/** The new owners of sessions, visible to all workers. Both methods reject with RelayFailure. */
export interface HandoffRecords {
  newOwnerOf(session: string): Promise<string | undefined>;
  recordNewOwner(session: string, newOwner: string): Promise<void>;
}

export const ADOPT = 'adopt';
export const ACCEPTED = 'taken';

/** A new owner that does not answer within this time may still have accepted the session. */
export const HANDOFF_TIMEOUT_MS = 3_000;

/** Hands the sessions of a draining worker off. The steps are those of `src/affinity`, without the payload. */
export class SimHandoff {
  constructor(
    private readonly node: BusNode,
    private readonly sessions: ServedSessions,
    private readonly records: HandoffRecords,
    /** Whether a handoff with an unknown outcome counts as accepted, as it must. */
    private readonly treatsUnknownAsAccepted: boolean,
  ) {}

  async run(me: string): Promise<void> {
    const others = this.node.membership.aliveWorkers().filter((worker) => worker !== me);
    if (others.length === 0) return;
    await Promise.all(this.sessions.idle.map((session) => this.handOff(session, others).catch(() => {})));
  }

  private async handOff(session: string, others: readonly string[]): Promise<void> {
    this.sessions.handOff(session, others[0]);
    for (const newOwner of others) {
      const order = { to: newOwner, pattern: ADOPT, payload: { session }, budgetMs: HANDOFF_TIMEOUT_MS };
      if (this.isRefused(await this.node.request(order).end)) continue;
      this.sessions.handOff(session, newOwner);
      await this.records.recordNewOwner(session, newOwner);
      return;
    }
    // No worker accepted the session. Keep it until shutdown.
    this.sessions.add(session);
  }

  private isRefused(end: BusEnd): boolean {
    if (end.kind === 'value') return end.value !== ACCEPTED;
    if (end.kind === 'unknown' || end.kind === 'failed') return !this.treatsUnknownAsAccepted;
    return true;
  }
}
