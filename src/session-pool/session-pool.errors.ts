import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

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
