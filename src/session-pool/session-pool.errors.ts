import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

const NOT_EXECUTED = { outcome: 'not_executed', retriable: true } as const;

/** Sessions end with their clients, which takes longer than a call. */
const SESSION_RETRY_MS = 5_000;

/** The limit of live sessions is reached: 503 for the worker, 429 for one principal. */
export class SessionLimitReached extends GatewayError {
  constructor(scope: 'worker' | 'principal') {
    const status = scope === 'worker' ? 503 : 429;
    super(
      GatewayCode.overloaded,
      `Session limit reached for this ${scope}. End unused sessions with DELETE, or retry later.`,
      status,
      { ...NOT_EXECUTED, retryAfterMs: SESSION_RETRY_MS },
    );
  }
}

/** 429 with Retry-After: what the clients of one principal declare about themselves fills its share of the memory. */
export class DeclarationLimitReached extends GatewayError {
  constructor(limitBytes: number) {
    super(
      GatewayCode.overloaded,
      `The clients of this principal have declared more than ${limitBytes} bytes of capabilities and client information. End unused sessions with DELETE, declare less, or retry later.`,
      429,
      { ...NOT_EXECUTED, retryAfterMs: SESSION_RETRY_MS },
    );
  }
}

export class TooManyCalls extends GatewayError {
  constructor(limit: number) {
    const message = `Limit of in-flight calls reached for this session (${limit}); the call was not executed. Wait for answers, then retry.`;
    super(GatewayCode.overloaded, message, 429, NOT_EXECUTED);
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
  constructor(timeoutMs: number) {
    const message = `The client did not answer the server's question within ${timeoutMs / 1000} s. The call was cancelled; its outcome is unknown.`;
    super(GatewayCode.outcomeUnknown, message, 504, { outcome: 'unknown', retriable: false });
  }
}

export class TooManyQuestions extends GatewayError {
  constructor(limit: number) {
    const message = `Limit of open questions reached for this session (${limit}). The call was cancelled; its outcome is unknown.`;
    super(GatewayCode.overloaded, message, 503, { outcome: 'unknown', retriable: false });
  }
}
