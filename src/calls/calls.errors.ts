import { GatewayError } from '#lib/extension-kit';
import { failure, GatewayCode, RpcCode, type Outcome } from '#lib/mcp-protocol';

/** What a call that failed by a defect of ours tells whoever took it over; the defect itself is thrown. */
export const INTERNAL_ERROR: Outcome = failure({ code: RpcCode.internalError, message: 'Internal error' }, 500);

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

const NOT_EXECUTED_DATA = { outcome: 'not_executed', retriable: false } as const;

/**
 * The state was given out for another request, to somebody else, or not at all: altered, or made up (specification of
 * 2026: basic/patterns/mrtr, Server Requirements).
 */
export class InvalidRequestState extends GatewayError {
  constructor() {
    const message = 'params.requestState was not given out for this request. Make the call anew, without it.';
    super(RpcCode.invalidParams, message, 400, NOT_EXECUTED_DATA);
  }
}

/**
 * The client took too long to come back; what waited for it has been given up. Unknown: the call had begun at its
 * server.
 */
export class RequestStateExpired extends GatewayError {
  constructor(outcome: 'not_executed' | 'unknown') {
    const begun = 'The call had begun: look what became of it before you make it anew, without the state.';
    const next = outcome === 'unknown' ? begun : 'Make the call anew, without it.';
    const message = `params.requestState is no longer good: the answers came too late. ${next}`;
    super(RpcCode.invalidParams, message, 400, { outcome, retriable: false });
  }
}

export class MalformedInputResponses extends GatewayError {
  constructor() {
    super(
      RpcCode.invalidParams,
      'params.inputResponses must be an object: answers by their keys.',
      400,
      NOT_EXECUTED_DATA,
    );
  }
}

/** The client's user does not open what the server demands to be opened first. */
export class UrlElicitationDeclined extends GatewayError {
  constructor(server: string) {
    const message = `Server ${server} serves this call only after its URL was opened, which was declined.`;
    super(GatewayCode.upstreamFailed, message, 502, { ...NOT_EXECUTED_DATA, server });
  }
}
