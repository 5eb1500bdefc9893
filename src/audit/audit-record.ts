/** How a request of the admin API ended: it was carried out, its sender was not let in, or it could not be carried out. */
export type AuditOutcome = 'done' | 'refused' | 'failed';

export const AUDIT_OUTCOMES: readonly AuditOutcome[] = ['done', 'refused', 'failed'];

/** Who wanted what, and what came of it. No body, no query and no credential is in it. */
export interface AuditRecord {
  /** Grows with time; drawn where the record is made. */
  readonly id: string;
  readonly at: Date;
  /** Of the caller's token. Empty: there was no good one. */
  readonly issuer: string;
  readonly subject: string;
  readonly roles: readonly string[];
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Path of what the request has made. */
  readonly made?: string;
  readonly outcome: AuditOutcome;
  /** HTTP status of the answer. */
  readonly status: number;
  /** Why it did not succeed. */
  readonly reason?: string;
  /** IP address that the request came from. */
  readonly address?: string;
}

/** Which records are wanted. All that is said must fit. */
export interface AuditQuery {
  readonly subject?: string;
  readonly method?: string;
  /** How the path begins, or that of what was made. */
  readonly path?: string;
  readonly outcome?: AuditOutcome;
  readonly from?: Date;
  /** Up to this moment, itself excluded. */
  readonly to?: Date;
}
