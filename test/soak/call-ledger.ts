/**
 * How a call ended for its client. `gone`: its session is. `refused`: an error that says nothing about its outcome.
 * `declined`: the server itself did not take it. `broken`: no answer, because whoever was asked died or left.
 */
export type CallOutcome =
  'success' | 'not_executed' | 'executed' | 'unknown' | 'gone' | 'declined' | 'refused' | 'broken';

export interface Call {
  readonly mark: string;
  readonly client: string;
  readonly tool: string;
  readonly worker: string;
  readonly begunAtMs: number;
}

export interface CallEnd {
  readonly outcome: CallOutcome;
  /** What the client was received, for people. */
  readonly received: string;
}

export interface Violation {
  readonly what: string;
  /** Since the start: of the call, or of its discovery. */
  readonly atMs: number;
  readonly detail: string;
}

/** A call certainly did not reach its server. */
const NEVER_ARRIVES: ReadonlySet<CallOutcome> = new Set<CallOutcome>(['not_executed', 'gone']);
const MAX_DETAIL = 700;

/** Every call of a soak, how it ended, and what is wrong with that. */
export class CallLedger {
  readonly violations: Violation[] = [];
  private readonly open = new Map<string, Call>();
  private readonly closed = new Map<string, { readonly call: Call; readonly end: CallEnd }>();
  private readonly tallies = new Map<string, Map<CallOutcome, number>>();
  private readonly startedAt = performance.now();
  private readonly notes: { readonly atMs: number; readonly what: string }[] = [];
  private count = 0;

  begin(client: string, tool: string, worker: string): Call {
    this.count += 1;
    const mark = `${client}-${tool}-${this.count}`;
    const call: Call = { mark, client, tool, worker, begunAtMs: this.nowMs };
    this.open.set(mark, call);
    return call;
  }

  end(call: Call, end: CallEnd): void {
    if (!this.open.delete(call.mark)) return this.reportViolation('answered twice', call.mark);
    this.closed.set(call.mark, { call, end });
    const tally = this.tallies.get(call.client) ?? new Map<CallOutcome, number>();
    this.tallies.set(call.client, tally);
    tally.set(end.outcome, (tally.get(end.outcome) ?? 0) + 1);
  }

  /** Something happened that may explain what comes. */
  note(what: string): void {
    this.notes.push({ atMs: this.nowMs, what });
  }

  reportViolation(what: string, detail: string, atMs = this.nowMs): void {
    this.violations.push({ what, atMs, detail: detail.slice(0, MAX_DETAIL) });
  }

  /** What had been noted last at that moment. */
  notesBefore(atMs: number, count: number): readonly string[] {
    const before = this.notes.filter((note) => note.atMs <= atMs).slice(-count);
    return before.map((note) => `${(note.atMs / 1_000).toFixed(1)} s ${note.what}`);
  }

  private get nowMs(): number {
    return performance.now() - this.startedAt;
  }

  /** When all is over: what reached the servers, by mark. */
  check(arrivals: Readonly<Record<string, number>>): void {
    for (const call of this.open.values()) this.reportViolation('never answered', JSON.stringify(call), call.begunAtMs);
    for (const [mark, count] of Object.entries(arrivals)) {
      if (count > 1)
        this.reportViolation('reached its server more than once', this.describe(mark, count), this.begunAtMs(mark));
    }
    for (const [mark, { call, end }] of this.closed) {
      const count = arrivals[mark] ?? 0;
      if (count > 0 && NEVER_ARRIVES.has(end.outcome)) {
        this.reportViolation(`${end.outcome}, and reached its server`, this.describe(mark, count), call.begunAtMs);
      }
      if (count === 0 && end.outcome === 'success')
        this.reportViolation('success that no server gave', this.describe(mark, count), call.begunAtMs);
    }
  }

  /** Calls of each kind of client by how they ended. */
  summary(): { readonly client: string; readonly outcomes: Readonly<Record<string, number>> }[] {
    return [...this.tallies].map(([client, tally]) => ({ client, outcomes: Object.fromEntries(tally) }));
  }

  private begunAtMs(mark: string): number | undefined {
    return (this.closed.get(mark)?.call ?? this.open.get(mark))?.begunAtMs;
  }

  private describe(mark: string, arrivals: number): string {
    return JSON.stringify({ arrivals, ...(this.closed.get(mark) ?? { mark }) });
  }
}
