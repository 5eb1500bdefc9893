import { GatewayError } from '#lib/extension-kit';
import { failure, GatewayCode, RpcCode, type Outcome } from '#lib/mcp-protocol';

/** What a call that failed by a defect of ours tells whoever took it over; the defect itself is thrown. */
export const INTERNAL_ERROR: Outcome = failure({ code: RpcCode.internalError, message: 'Internal error' }, 500);

const NOT_EXECUTED = { outcome: 'not_executed', retriable: true } as const;

/** At the bound of live sessions: 503 for the worker, 429 for one principal. */
export class SessionLimitReached extends GatewayError {
  constructor(scope: 'worker' | 'principal') {
    const [who, status] = scope === 'worker' ? (['This worker has', 503] as const) : (['You have', 429] as const);
    super(
      GatewayCode.overloaded,
      `${who} too many sessions. End some with DELETE or try again later.`,
      status,
      NOT_EXECUTED,
    );
  }
}

export class TooManyCalls extends GatewayError {
  constructor(limit: number) {
    const message = `This session has ${limit} calls in flight, which is its limit. Wait for answers.`;
    super(GatewayCode.overloaded, message, 429, NOT_EXECUTED);
  }
}

/** The configuration changed between the request and its connection; the call did not run. */
export class ServerReconfigured extends GatewayError {
  constructor(server: string) {
    const message = `Server ${server} has just been configured anew. Call again.`;
    super(GatewayCode.upstreamFailed, message, 502, { ...NOT_EXECUTED, server });
  }
}

export class TooManyProcesses extends GatewayError {
  constructor(server: string, limit: number) {
    const message = `Server ${server} runs as ${limit} processes, which is its limit. Call again later.`;
    super(GatewayCode.overloaded, message, 503, { ...NOT_EXECUTED, server });
  }
}

/** Of one principal at one server, by its clients that have no session of their own here. */
export class TooManyUpstreamSessions extends GatewayError {
  constructor(server: string, limit: number) {
    const message = `You use ${limit} sessions at server ${server}, which is the limit. Wait for answers.`;
    super(GatewayCode.overloaded, message, 429, { ...NOT_EXECUTED, server });
  }
}

/** The session ended after the request had come in; the call did not run. */
export class SessionEnded extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: false } as const;
    super(RpcCode.invalidRequest, 'The session has ended. Initialize a new one.', 404, data);
  }
}

/** Resuming would skip events that are no longer kept. */
export class ReplayUnavailable extends GatewayError {
  constructor(eventId: string) {
    const shown = JSON.stringify(eventId.slice(0, 64));
    super(RpcCode.invalidRequest, `No events are kept after ${shown}. Open a new stream without Last-Event-ID.`, 400);
  }
}

/** The call that asked has ended before its client answered. */
export class QuestionWithdrawn extends Error {
  constructor() {
    super('The call that asked has ended.');
  }
}

/** The client took too long to answer. What the server did before it asked cannot be known. */
export class QuestionTimedOut extends GatewayError {
  constructor(patienceMs: number) {
    const message = `The client did not answer the server's question within ${patienceMs / 1000} s. The call was given up.`;
    super(GatewayCode.outcomeUnknown, message, 504, { outcome: 'unknown', retriable: false });
  }
}

export class TooManyQuestions extends GatewayError {
  constructor(limit: number) {
    const message = `This session has ${limit} questions before its client, which is its limit. The call was given up.`;
    super(GatewayCode.overloaded, message, 503, { outcome: 'unknown', retriable: false });
  }
}

/** At the bound of calls that wait for their clients: 503 for the worker, 429 for one principal. */
export class TooManyParkedCalls extends GatewayError {
  constructor(scope: 'worker' | 'principal', limit: number) {
    const [who, status] = scope === 'worker' ? (['This worker has', 503] as const) : (['You have', 429] as const);
    const message = `${who} ${limit} calls that wait for answers of their clients, which is the limit. The call was given up.`;
    super(GatewayCode.overloaded, message, status, { outcome: 'unknown', retriable: false });
  }
}

/** 410: the call that waited for these answers is gone, with its worker or for good. What it did cannot be known. */
export class ParkedCallLost extends GatewayError {
  constructor() {
    const message = 'The call that waited for these answers is gone. Whether it was carried out cannot be told.';
    super(GatewayCode.parkedCallLost, message, 410, { outcome: 'unknown', retriable: false });
  }
}

/** What a client answers is no answer to the question. Nothing was given to the server; the call waits on. */
export class MalformedAnswer extends GatewayError {
  constructor(key: string, method: string) {
    const message = `params.inputResponses["${key}"] is no result of ${method}. Repeat the call with one.`;
    super(RpcCode.invalidParams, message, 400, { outcome: 'not_executed', retriable: true });
  }
}

/** Somebody who looks after this gateway, or the end of its worker, stopped the call. */
export class CallCancelled extends GatewayError {
  constructor() {
    const message =
      'The call was cancelled at the gateway while it waited for answers. What it did before is not known.';
    super(GatewayCode.outcomeUnknown, message, 504, { outcome: 'unknown', retriable: false });
  }
}

/** A server that asks without end. */
export class TooManyQuestionRounds extends GatewayError {
  constructor(server: string, rounds: number) {
    const message = `Server ${server} asked for input ${rounds} times within one call. The call was given up.`;
    super(GatewayCode.upstreamBrokeProtocol, message, 502, { outcome: 'unknown', retriable: false, server });
  }
}

/** A server asked for what the client has not declared, which the specification forbids. */
export class UndeclaredQuestion extends GatewayError {
  constructor(server: string, method: string) {
    const message = `Server ${server} asked ${method}, which this client has not declared.`;
    super(GatewayCode.upstreamBrokeProtocol, message, 502, { outcome: 'unknown', retriable: false, server });
  }
}
