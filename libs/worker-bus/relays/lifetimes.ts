/** A decision is kept for so long after the last moment at which anybody could claim; what is asked later is `stale`. */
export const DECISION_RETENTION_MS = 60_000;

/** A worker that was declared gone stays so for a day: none sleeps longer and still believes that it owns something. */
export const TOMBSTONE_TTL_MS = 24 * 60 * 60_000;

/** The name of the relay's state outlives a requester that is late with its announcements. */
export const GENERATION_TTL_MS = 60_000;
