/** Every figure of the protocol, in ms and bytes. Workers of one cluster must agree on them. */

/** Nobody can claim a request that was sent longer ago, by the relay's clock. */
export const CLAIM_WINDOW_MS = 10_000;
/** A worker that has not accepted by then is asked no more: the requester takes the request back. */
export const ACCEPT_TIMEOUT_MS = 500;
/** For so long a request is taken back again and again while the relay cannot be reached. */
export const REVOKE_RETRY_TIMEOUT_MS = 250;
export const REVOKE_RETRY_INTERVAL_MS = 50;
/** A request is known again for longer than anybody could claim it. */
export const SEEN_RETENTION_MS = 2 * CLAIM_WINDOW_MS;
/**
 * What a handler sent waits for so long for a relay that comes back, or for somebody to hear it: until the requester has
 * noticed that this worker is not there any more. Between both, it would wait for an answer that was given up.
 */
export const REPLY_RETRY_TIMEOUT_MS = 7_000;
export const REPLY_RETRY_INTERVAL_MS = 100;
/** A worker that leaves waits for so long for those who still take its answers. */
export const LEAVE_TIMEOUT_MS = 1_000;
/** An owner that may send no more, for want of credit, asks so often whether it is still wanted. */
export const PROBE_INTERVAL_MS = 1_000;

/** A worker that does not say so again is taken for dead after this. */
export const PRESENCE_TTL_MS = 5_000;
/** How often a worker says that it lives, proves that it hears, and looks who else lives. */
export const HEARTBEAT_INTERVAL_MS = 1_000;
/** The same while the relay fails: back within two seconds of the relay, with room to spare. */
export const HEARTBEAT_RETRY_INTERVAL_MS = 150;
/** An attempt to subscribe that has neither succeeded nor failed for so long is made anew. */
export const SUBSCRIBE_TIMEOUT_MS = 5_000;
/** The list of the living is used for so long. One beat, and the time that the answer takes. */
export const LIST_TTL_MS = 1_250;
/** Long enough after the relay began anew for every living worker to have announced itself. */
export const SETTLE_PERIOD_MS = PRESENCE_TTL_MS + 1_000;
/**
 * A worker that could not announce itself for longer cannot tell who else could not. What the announcement of another
 * one still lasts after an outage of this length, with a beat before it, is what that one needs to come back.
 */
export const MAX_ANNOUNCE_GAP_MS = 2 * HEARTBEAT_INTERVAL_MS;
/** A worker whose last attempt to announce itself is older was stopped, and cannot know what became of it. */
export const OWN_LIVENESS_TTL_MS = 4_000;

/** A frame, header and MAC included. Redis cuts a subscriber that lags by 32 MB. */
export const MAX_FRAME_BYTES = 64 * 1024;
/** What an owner may send before it hears that some of it was consumed. */
export const WINDOW_BYTES = 1024 * 1024;
/** The requester says so after so many consumed bytes: early enough for the window never to run dry. */
export const CREDIT_STEP_BYTES = 256 * 1024;
/** How deep the JSON between workers may be: messages with 64 levels, in envelopes of their own. */
export const MAX_JSON_DEPTH = 80;

/** Bounds of what one worker holds for others. */
export interface BusLimits {
  /** Of what a handler sent and a requester has not taken yet, for each request; the value being sent comes on top. */
  readonly waitingBytes: number;
  /** Of the parts of requests that have not arrived whole, for all of them together. */
  readonly partialBytes: number;
}

export const DEFAULT_LIMITS: BusLimits = { waitingBytes: 16 * 1024 * 1024, partialBytes: 64 * 1024 * 1024 };
