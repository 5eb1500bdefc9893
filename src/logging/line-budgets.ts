import type { Clock } from '#lib/time';

const WINDOW_MS = 10_000;
/** Maximum number of lines of one subject and level in a window. */
const MAX_LINES = 100;

/** The severities whose lines clients and servers can cause. */
export type BoundedLevel = 'error' | 'warn' | 'log';

interface Budget {
  readonly level: BoundedLevel;
  readonly subject: string;
  lines: number;
}

/** Receives at the end of a window how many lines were not admitted. */
export type ReportDropped = (level: BoundedLevel, subject: string, dropped: number) => void;

/**
 * Bounds the lines of each subject (the name of a logger) at each level, because a stranger can cause one with each request.
 * The code's loggers bound the number of subjects.
 */
export class LineBudgets {
  private readonly budgets = new Map<string, Budget>();

  constructor(
    private readonly report: ReportDropped,
    private readonly clock: Clock,
  ) {}

  /** Returns false for a line beyond the budget, which is counted. */
  admit(level: BoundedLevel, subject: string): boolean {
    const key = `${level} ${subject}`;
    const known = this.budgets.get(key) ?? this.begin(key, { level, subject, lines: 0 });
    known.lines += 1;
    return known.lines <= MAX_LINES;
  }

  private begin(key: string, budget: Budget): Budget {
    this.budgets.set(key, budget);
    this.clock.after(WINDOW_MS, () => {
      this.budgets.delete(key);
      if (budget.lines > MAX_LINES) this.report(budget.level, budget.subject, budget.lines - MAX_LINES);
    });
    return budget;
  }
}
