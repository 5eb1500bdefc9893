import type { BusEnd } from '#lib/worker-bus';
import type { BusNode } from '#lib/worker-bus/testing';
import type { Gates } from './gates.js';

/** To whom sessions were given, where any worker finds it. Both reject with RelayFailure. */
export interface HeirRecords {
  heirOf(session: string): Promise<string | undefined>;
  rememberHeir(session: string, heir: string): Promise<void>;
}

export const ADOPT = 'adopt';
export const TAKEN = 'taken';

/** An heir that does not answer within this time may have taken the session all the same. */
export const HEIR_PATIENCE_MS = 3_000;

/** How a leaving worker gives its sessions away: the same steps as `src/affinity` takes, without what travels along. */
export class SimHandOver {
  constructor(
    private readonly node: BusNode,
    private readonly gates: Gates,
    private readonly records: HeirRecords,
    /** Whether an heir of whom nothing is known may have taken it. It may. */
    private readonly isWary: boolean,
  ) {}

  async run(me: string): Promise<void> {
    const others = this.node.membership.livingWorkers().filter((worker) => worker !== me);
    if (others.length === 0) return;
    await Promise.all(this.gates.quiet.map((session) => this.give(session, others).catch(() => {})));
  }

  private async give(session: string, others: readonly string[]): Promise<void> {
    this.gates.give(session, others[0]);
    for (const heir of others) {
      const order = { to: heir, pattern: ADOPT, payload: { session }, budgetMs: HEIR_PATIENCE_MS };
      if (this.isRefused(await this.node.request(order).end)) continue;
      this.gates.give(session, heir);
      await this.records.rememberHeir(session, heir);
      return;
    }
    // Nobody wants it: it stays, and ends with this worker.
    this.gates.add(session);
  }

  private isRefused(end: BusEnd): boolean {
    if (end.kind === 'value') return end.value !== TAKEN;
    if (end.kind === 'unknown' || end.kind === 'failed') return !this.isWary;
    return true;
  }
}
