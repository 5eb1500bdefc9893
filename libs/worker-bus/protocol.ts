/** Every number of the protocol, in ms and bytes. All workers of one cluster must agree on them. */

/** A request that was sent longer ago, by the clock of the relay, can no longer be claimed. */
export const CLAIM_WINDOW_MS = 10_000;
/** The requester revokes a request that was not accepted within this time. */
export const ACCEPT_TIMEOUT_MS = 500;
/** How long a revocation is retried while the relay cannot be reached. */
export const REVOKE_RETRY_TIMEOUT_MS = 250;
export const REVOKE_RETRY_INTERVAL_MS = 50;
/** A request id is remembered for longer than any worker could claim the request. */
export const SEEN_RETENTION_MS = 2 * CLAIM_WINDOW_MS;
/**
 * How long an event or end of a handler is published again until the relay is back and the requester receives it. The
 * requester notices within this time that this worker is dead. If the worker gave up earlier, the requester would keep
 * waiting for an answer that never comes.
 */
export const REPLY_RETRY_TIMEOUT_MS = 7_000;
export const REPLY_RETRY_INTERVAL_MS = 100;
/** How long a worker that leaves waits for requesters that still receive its answers. */
export const LEAVE_TIMEOUT_MS = 1_000;
/** How often an owner without credit probes whether the requester still waits. */
export const PROBE_INTERVAL_MS = 1_000;

/** A worker that does not renew its announcement within this time can be declared dead. */
export const PRESENCE_TTL_MS = 5_000;
/** How often a worker announces itself, proves its subscription and reads the list of alive workers. */
export const HEARTBEAT_INTERVAL_MS = 1_000;
/** The same while the relay fails: the worker is ready within two seconds of the relay's recovery, with a margin. */
export const HEARTBEAT_RETRY_INTERVAL_MS = 150;
/** An attempt to subscribe that has neither succeeded nor failed within this time is repeated. */
export const SUBSCRIBE_TIMEOUT_MS = 5_000;
/** How long a list of alive workers is valid: one heartbeat, and the time of one reply. */
export const LIST_TTL_MS = 1_250;
/** After this time under one relay generation, every alive worker has announced itself. */
export const SETTLE_PERIOD_MS = PRESENCE_TTL_MS + 1_000;
/**
 * A worker that could not announce itself for longer cannot judge the absence of others, which may have had the same
 * outage. After an outage of this length, preceded by one heartbeat, the announcement of another worker lasts just as
 * long as that worker needs to recover.
 */
export const MAX_ANNOUNCE_GAP_MS = 2 * HEARTBEAT_INTERVAL_MS;
/** A worker whose last announcement is older was suspended, and may have been declared dead meanwhile. */
export const OWN_LIVENESS_TTL_MS = 4_000;
/** How long such a worker repeats its announcement before it serves although the relay has not replied. */
export const OWN_LIVENESS_TIMEOUT_MS = 1_000;

/** Maximum size of a frame, header and seal included. Redis disconnects a subscriber that lags by 32 MB. */
export const MAX_FRAME_BYTES = 64 * 1024;
/** How much an owner may send before the requester reports that it consumed some of it. */
export const WINDOW_BYTES = 1024 * 1024;
/** The requester sends a credit each time it has consumed this much: early enough that the window never runs dry. */
export const CREDIT_STEP_BYTES = 256 * 1024;
/** Maximum depth of the JSON between workers: messages with 64 levels, inside envelopes. */
export const MAX_JSON_DEPTH = 80;

/** Limits of what one worker buffers for others. */
export interface BusLimits {
  /**
   * Maximum size of what a handler emitted and the requester has not consumed, per request, beside the value being
   * sent.
   */
  readonly waitingBytes: number;
  /** Maximum size of the parts of incomplete requests, in total. */
  readonly partialBytes: number;
}

export const DEFAULT_LIMITS: BusLimits = { waitingBytes: 16 * 1024 * 1024, partialBytes: 64 * 1024 * 1024 };
