/**
 * How a call ended for its client. `gone`: its session does not exist. `refused`: an error without an outcome.
 * `declined`: the server itself rejected the call. `broken`: no answer, because the worker was killed or left.
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
  /** The received answer, for people. */
  readonly received: string;
}

export interface Violation {
  readonly what: string;
  /** Time since the start of the soak: of the call, or of the detection. */
  readonly atMs: number;
  readonly detail: string;
}

/** Outcomes that guarantee that the call did not reach its server. */
const NEVER_ARRIVES: ReadonlySet<CallOutcome> = new Set<CallOutcome>(['not_executed', 'gone']);
const MAX_DETAIL = 700;

/** Records the calls of a soak and detects violations. */
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

  /** Records an event that may explain later violations. */
  note(what: string): void {
    this.notes.push({ atMs: this.nowMs, what });
  }

  reportViolation(what: string, detail: string, atMs = this.nowMs): void {
    this.violations.push({ what, atMs, detail: detail.slice(0, MAX_DETAIL) });
  }

  /** The last notes before a time. */
  notesBefore(atMs: number, count: number): readonly string[] {
    const before = this.notes.filter((note) => note.atMs <= atMs).slice(-count);
    return before.map((note) => `${(note.atMs / 1_000).toFixed(1)} s ${note.what}`);
  }

  private get nowMs(): number {
    return performance.now() - this.startedAt;
  }

  /** Checks all calls at the end of the soak against the arrivals at the servers, by mark. */
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
        this.reportViolation('success without an arrival at the server', this.describe(mark, count), call.begunAtMs);
    }
  }

  /** Numbers of calls by kind of client and outcome. */
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
