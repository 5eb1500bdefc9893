import { GatewayError } from '#lib/extension-kit';
import { failure, GatewayCode, RpcCode, type Outcome } from '#lib/mcp-protocol';

/**
 * Outcome of a call that failed by a defect of ours, for a client that resumed its stream. The defect itself is thrown.
 */
export const INTERNAL_ERROR: Outcome = failure({ code: RpcCode.internalError, message: 'Internal error' }, 500);

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

/** The answers that the state stands for were used before: each is used once. That use may have executed the call. */
export class RequestStateUsed extends GatewayError {
  constructor() {
    const message =
      'params.requestState was used before, or the gateway has restarted since; its answers count once. Whether the call was executed ' +
      'then is unknown: check before you repeat it without the state, to be asked again.';
    super(RpcCode.invalidParams, message, 400, { outcome: 'unknown', retriable: false });
  }
}

/** The client answers by repeating its call, so nothing in this request receives the answer. */
export class AnsweredByRepetition extends GatewayError {
  constructor() {
    const message = 'The client receives the question as the result of its call, and answers by repeating the call.';
    super(GatewayCode.outcomeUnknown, message, 504, { outcome: 'unknown', retriable: false });
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
