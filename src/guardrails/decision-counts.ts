import { Injectable } from '@nestjs/common';
import { Clock } from '#lib/time';
import type { Decision } from './decision.js';

/** A count of decisions with the same labels. */
export interface DecisionCount {
  readonly guardrail: string;
  readonly check: string;
  readonly phase: string;
  readonly mode: string;
  readonly decision: string;
  readonly count: number;
}

/** Far more than one gateway configures; further ones are not counted until the gateway restarts. */
const MAX_COUNTS = 10_000;
const MINUTE_MS = 60_000;
const MINUTES = 60;

/** The window of `listRecent` in milliseconds. */
export const DECISION_WINDOW_MS = MINUTES * MINUTE_MS;

/** Counts what guardrails decided: since the worker started, and in the last hour. */
@Injectable()
export class DecisionCounts {
  private readonly counts = new Map<string, Omit<DecisionCount, 'count'> & { count: number; recent: RecentCount }>();

  constructor(private readonly clock: Clock) {}

  add(decisions: readonly Decision[]): void {
    for (const { guardrail, check, phase, mode, decision } of decisions) {
      const key = `${guardrail} ${check} ${phase} ${mode} ${decision}`;
      let counted = this.counts.get(key);
      if (!counted) {
        if (this.counts.size >= MAX_COUNTS) continue;
        counted = { guardrail, check, phase, mode, decision, count: 0, recent: new RecentCount() };
        this.counts.set(key, counted);
      }
      counted.count += 1;
      counted.recent.increment(this.minute);
    }
  }

  list(): readonly DecisionCount[] {
    return Array.from(this.counts.values(), ({ recent: _recent, ...counted }) => counted);
  }

  /** Counts the decisions of the last hour, to the minute. Labels without any are missing. */
  listRecent(): readonly DecisionCount[] {
    const { minute } = this;
    return Array.from(this.counts.values(), ({ recent, ...counted }) => ({
      ...counted,
      count: recent.sum(minute),
    })).filter(({ count }) => count > 0);
  }

  private get minute(): number {
    return Math.floor(this.clock.monotonicNow() / MINUTE_MS);
  }
}

/** A count for each of the last minutes. */
class RecentCount {
  private readonly counts = new Uint32Array(MINUTES);
  private latest = 0;

  increment(minute: number): void {
    this.advance(minute);
    const slot = minute % MINUTES;
    this.counts[slot] = (this.counts[slot] ?? 0) + 1;
  }

  sum(minute: number): number {
    this.advance(minute);
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Forgets the minutes whose slots are used again. */
  private advance(minute: number): void {
    const passed = Math.min(minute - this.latest, MINUTES);
    for (let count = 0; count < passed; count += 1) this.counts[(minute - count) % MINUTES] = 0;
    this.latest = minute;
  }
}
