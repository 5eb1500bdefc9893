import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '#lib/time';

/** Of each contribution at most one failure is logged in this time: it may fail at every call. */
const QUIET_MS = 60_000;

interface ReportedContribution {
  lastLineAt: number;
  /** Failures since the last line. */
  unreported: number;
}

/** Logs failures of contributions with their names. The failure of a contribution never reaches what the gateway does next. */
@Injectable()
export class ExtensionFailures {
  private readonly logger = new Logger('Extensions');
  private readonly reported = new Map<string, ReportedContribution>();

  constructor(private readonly clock: Clock) {}

  /** @param contribution its name, and what it is: `the list filter AcmeFilter` */
  report(contribution: string, cause: unknown): void {
    const now = this.clock.monotonicNow();
    const known = this.reported.get(contribution);
    if (known && now - known.lastLineAt < QUIET_MS) {
      known.unreported += 1;
      return;
    }
    this.reported.set(contribution, { lastLineAt: now, unreported: 0 });
    const more = known && known.unreported > 0 ? ` (${known.unreported} more times since the last line)` : '';
    this.logger.error(`Failure of ${contribution}${more}`, toDetail(cause));
  }
}

/** The text of an exception, which can be any value, even one that cannot be converted to a text. */
export function toDetail(cause: unknown): string {
  try {
    return cause instanceof Error ? String(cause.stack) : String(cause);
  } catch {
    return 'a value without a text';
  }
}
