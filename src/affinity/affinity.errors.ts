import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

/**
 * No session with this id exists for this principal at this endpoint. An id of another principal or endpoint gets the
 * same answer as an unknown one (specification 2025: basic/transports, Session Management: on 404 the client
 * initializes a new session).
 */
export class SessionUnknown extends GatewayError {
  constructor() {
    super(RpcCode.invalidRequest, 'Session not found. Initialize a new one.', 404);
  }
}

/**
 * The owner handed the session off to another worker. Internal to the gateway: the sender follows the session there.
 */
export class SessionMoved extends Error {
  constructor(
    /** Id of the worker that owns the session now. */
    readonly newOwner: string,
  ) {
    super('The session was handed off to another worker.');
    this.name = 'SessionMoved';
  }
}

/** 503: the status of the session's owner is unknown. Nothing was sent. */
export class OwnerUnreachable extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true } as const;
    const message = 'The worker that owns the session cannot be reached; the call was not executed. Retry later.';
    super(GatewayCode.ownerUnreachable, message, 503, data);
  }
}

/** 503: Redis is unavailable, so the session's owner cannot be determined. Nothing was sent. */
export class CoordinationUnavailable extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true } as const;
    const message = 'Redis is unavailable; the call was not executed. Retry later.';
    super(GatewayCode.coordinationUnavailable, message, 503, data);
  }
}

/** The sending worker knows this server, but the receiving worker does not have it configured (yet). */
export class ServerNotConfigured extends GatewayError {
  constructor(server: string) {
    const data = { outcome: 'not_executed', retriable: true, server } as const;
    const message = `Server ${server} is not configured at the session's owner; the call was not run. Retry later.`;
    super(GatewayCode.upstreamFailed, message, 502, data);
  }
}

/** The worker that was chosen to receive a session is shutting down itself. */
export class ReceiverDraining extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true } as const;
    super(GatewayCode.draining, 'This worker is shutting down and accepts no sessions.', 503, data);
  }
}

/** The previous owner was declared dead during the handoff, and its sessions with it. */
export class PreviousOwnerFenced extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: false } as const;
    const message = 'The previous owner of the session was declared dead; the handoff was rejected.';
    super(GatewayCode.ownerUnreachable, message, 503, data);
  }
}

/** The payload that another worker sent is not a valid handoff. */
export class InvalidHandoff extends GatewayError {
  constructor() {
    super(RpcCode.invalidParams, 'The handoff payload is invalid.', 400);
  }
}

const NOT_EXECUTED_DATA = { outcome: 'not_executed', retriable: false } as const;

/**
 * The state was issued for another request or another principal, or it was altered or forged (specification of 2026:
 * basic/patterns/mrtr, Server Requirements).
 */
export class InvalidRequestState extends GatewayError {
  constructor() {
    const message = 'params.requestState was not issued for this request. Repeat the call without it.';
    super(RpcCode.invalidParams, message, 400, NOT_EXECUTED_DATA);
  }
}

/**
 * The state has expired, and the call that waited for it was cancelled. The outcome is `unknown` when the call had
 * already started at its server.
 */
export class RequestStateExpired extends GatewayError {
  constructor(outcome: 'not_executed' | 'unknown') {
    const startedAdvice = 'The call had already started: check its effect before you repeat it without the state.';
    const advice = outcome === 'unknown' ? startedAdvice : 'Repeat the call without it.';
    const message = `params.requestState has expired: the answers came too late. ${advice}`;
    super(RpcCode.invalidParams, message, 400, { outcome, retriable: false });
  }
}

export class MalformedInputResponses extends GatewayError {
  constructor() {
    const message = 'params.inputResponses must be an object that maps each request key to its answer.';
    super(RpcCode.invalidParams, message, 400, NOT_EXECUTED_DATA);
  }
}

/** The server requires a URL to be opened before it serves the call, and the client's user declined. */
export class UrlElicitationDeclined extends GatewayError {
  constructor(server: string) {
    const message = `Server ${server} requires a URL to be opened first, which was declined; the call was not run.`;
    super(GatewayCode.upstreamFailed, message, 502, { ...NOT_EXECUTED_DATA, server });
  }
}
