/** What rows of usage count. Durations are in milliseconds. */
export interface UsageCounts {
  /** Requests that use a tool, a prompt or a resource, whatever their outcome. */
  readonly calls: number;
  /** Calls that were not executed. */
  readonly refused: number;
  /** Executed calls that were answered with an error, or whose tool reported its own failure. */
  readonly failed: number;
  /** Calls of which is unknown whether they were executed. */
  readonly unknown: number;
  /** Time in which calls waited for their server. */
  readonly serverMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Whose calls, of what. A member that does not apply is an empty text. */
export interface UsageSubject {
  readonly issuer: string;
  readonly subject: string;
  /** Slugs of the caller's teams in alphabetical order, separated by commas. */
  readonly teams: string;
  readonly server: string;
  readonly tool: string;
}

/** The usage of one hour. */
export interface UsageRow extends UsageSubject, UsageCounts {
  /** Begin of the hour, in milliseconds since the Unix epoch. */
  readonly hour: number;
}

/** Stands for what is beyond the bounds. Neither slugs nor issuers contain parentheses. */
export const OTHER = '(other)';
