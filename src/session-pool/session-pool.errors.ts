import { GatewayError } from '#lib/extension-kit';
import { failure, GatewayCode, RpcCode, type Outcome } from '#lib/mcp-protocol';

/**
 * Outcome of a call that failed by a defect of ours, for a client that resumed its stream. The defect itself is thrown.
 */
export const INTERNAL_ERROR: Outcome = failure({ code: RpcCode.internalError, message: 'Internal error' }, 500);

const NOT_EXECUTED = { outcome: 'not_executed', retriable: true } as const;

/** The limit of live sessions is reached: 503 for the worker, 429 for one principal. */
export class SessionLimitReached extends GatewayError {
  constructor(scope: 'worker' | 'principal') {
    const status = scope === 'worker' ? 503 : 429;
    super(
      GatewayCode.overloaded,
      `Session limit reached for this ${scope}. End unused sessions with DELETE, or retry later.`,
      status,
      NOT_EXECUTED,
    );
  }
}

export class TooManyCalls extends GatewayError {
  constructor(limit: number) {
    const message = `Limit of in-flight calls reached for this session (${limit}); the call was not executed. Wait for answers, then retry.`;
    super(GatewayCode.overloaded, message, 429, NOT_EXECUTED);
  }
}

/** The configuration changed before the call was sent; the call was not executed. */
export class ServerReconfigured extends GatewayError {
  constructor(server: string) {
    const message = `The configuration of server ${server} has just changed; the call was not executed. Retry.`;
    super(GatewayCode.upstreamFailed, message, 502, { ...NOT_EXECUTED, server });
  }
}

export class TooManyProcesses extends GatewayError {
  constructor(server: string, limit: number) {
    const message = `Process limit reached for server ${server} (${limit}); the call was not executed. Retry later.`;
    super(GatewayCode.overloaded, message, 503, { ...NOT_EXECUTED, server });
  }
}

/**
 * The limit of upstream sessions is reached for one principal at one server, counting its clients without a session.
 */
export class TooManyUpstreamSessions extends GatewayError {
  constructor(server: string, limit: number) {
    const message = `Session limit reached for server ${server} (${limit}); the call was not executed. Wait for answers, then retry.`;
    super(GatewayCode.overloaded, message, 429, { ...NOT_EXECUTED, server });
  }
}

/** The session ended after the request had arrived; the call was not executed. */
export class SessionEnded extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: false } as const;
    super(RpcCode.invalidRequest, 'The session has ended. Initialize a new one.', 404, data);
  }
}

/** Resuming would skip events that are no longer stored. */
export class ReplayUnavailable extends GatewayError {
  constructor(eventId: string) {
    const shown = JSON.stringify(eventId.slice(0, 64));
    super(
      RpcCode.invalidRequest,
      `Cannot replay the events after ${shown}. Open a new stream without Last-Event-ID.`,
      400,
    );
  }
}

/** The question was withdrawn before its client answered: its call ended, or its server cancelled it. */
export class QuestionWithdrawn extends Error {
  constructor() {
    super('The question was withdrawn.');
  }
}

/** The client took too long to answer. What the server did before its question is unknown. */
export class QuestionTimedOut extends GatewayError {
  constructor(patienceMs: number) {
    const message = `The client did not answer the server's question within ${patienceMs / 1000} s. The call was cancelled; its outcome is unknown.`;
    super(GatewayCode.outcomeUnknown, message, 504, { outcome: 'unknown', retriable: false });
  }
}

export class TooManyQuestions extends GatewayError {
  constructor(limit: number) {
    const message = `Limit of open questions reached for this session (${limit}). The call was cancelled; its outcome is unknown.`;
    super(GatewayCode.overloaded, message, 503, { outcome: 'unknown', retriable: false });
  }
}

/** The limit of parked calls is reached: 503 for the worker, 429 for one principal. */
export class TooManyParkedCalls extends GatewayError {
  constructor(scope: 'worker' | 'principal', limit: number) {
    const status = scope === 'worker' ? 503 : 429;
    const message = `Limit of parked calls reached for this ${scope} (${limit}). The call was cancelled; its outcome is unknown.`;
    super(GatewayCode.overloaded, message, status, { outcome: 'unknown', retriable: false });
  }
}

/** 410: the parked call no longer exists: it has ended, or its worker is dead. Its outcome is unknown. */
export class ParkedCallLost extends GatewayError {
  constructor() {
    const message =
      'The call that waited for these answers no longer exists. Whether it was executed is unknown; check before you repeat it.';
    super(GatewayCode.parkedCallLost, message, 410, { outcome: 'unknown', retriable: false });
  }
}

/** The client's answer does not fit the question. No answer was sent to the server, and the call still waits. */
export class MalformedAnswer extends GatewayError {
  constructor(key: string, method: string) {
    const message = `params.inputResponses["${key}"] is not a valid result of ${method}. Repeat the call with a valid one.`;
    super(RpcCode.invalidParams, message, 400, { outcome: 'not_executed', retriable: true });
  }
}

/** An administrator, or the shutdown of the worker, cancelled the call. */
export class CallCancelled extends GatewayError {
  constructor() {
    const message = 'The gateway cancelled the call while it waited for answers. Its outcome is unknown.';
    super(GatewayCode.outcomeUnknown, message, 504, { outcome: 'unknown', retriable: false });
  }
}

/** The server requested input too often within one call. */
export class TooManyQuestionRounds extends GatewayError {
  constructor(server: string, rounds: number) {
    const message = `Server ${server} requested input ${rounds} times within one call, which is the limit. The call was cancelled; its outcome is unknown.`;
    super(GatewayCode.upstreamBrokeProtocol, message, 502, { outcome: 'unknown', retriable: false, server });
  }
}

/**
 * A server sent a question that requires a capability that the client did not declare, which the specification forbids.
 */
export class UndeclaredQuestion extends GatewayError {
  constructor(server: string, method: string) {
    const message = `Server ${server} sent the question "${method}", whose capability this client did not declare.`;
    super(GatewayCode.upstreamBrokeProtocol, message, 502, { outcome: 'unknown', retriable: false, server });
  }
}
