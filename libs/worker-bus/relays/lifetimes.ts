/** How long a decision is stored after its request can no longer be claimed; a later query is `stale`. */
export const DECISION_RETENTION_MS = 60_000;

/** How long a worker stays fenced: no worker is suspended for longer and resumes serving what it owned. */
export const TOMBSTONE_TTL_MS = 24 * 60 * 60_000;

/** How long the token of a generation is stored: longer than a requester may be late with its announcements. */
export const GENERATION_TTL_MS = 60_000;
