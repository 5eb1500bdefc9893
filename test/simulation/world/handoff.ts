import type { BusEnd, BusNode } from '#lib/worker-bus';
import type { ServedSessions } from './served-sessions.js';

/** To whom sessions were given, where any worker finds it. Both reject with RelayFailure. */
export interface HandoffRecords {
  newOwnerOf(session: string): Promise<string | undefined>;
  recordNewOwner(session: string, newOwner: string): Promise<void>;
}

export const ADOPT = 'adopt';
export const ACCEPTED = 'taken';

/** An newOwner that does not answer within this time may have taken the session all the same. */
export const HANDOFF_TIMEOUT_MS = 3_000;

/** How a leaving worker gives its sessions away: the same steps as `src/affinity` takes, without what travels along. */
export class SimHandoff {
  constructor(
    private readonly node: BusNode,
    private readonly sessions: ServedSessions,
    private readonly records: HandoffRecords,
    /** Whether an newOwner of whom nothing is known may have taken it. It may. */
    private readonly treatsUnknownAsAccepted: boolean,
  ) {}

  async run(me: string): Promise<void> {
    const others = this.node.membership.livingWorkers().filter((worker) => worker !== me);
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
    // Nobody wants it: it stays, and ends with this worker.
    this.sessions.add(session);
  }

  private isRefused(end: BusEnd): boolean {
    if (end.kind === 'value') return end.value !== ACCEPTED;
    if (end.kind === 'unknown' || end.kind === 'failed') return !this.treatsUnknownAsAccepted;
    return true;
  }
}
