import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

const REFUSED = { outcome: 'not_executed', retriable: true } as const;

/** At the bound of live sessions: 503 for the worker, 429 for one principal. */
export class SessionLimitReached extends GatewayError {
  constructor(scope: 'worker' | 'principal') {
    const [who, status] = scope === 'worker' ? (['This worker has', 503] as const) : (['You have', 429] as const);
    super(
      GatewayCode.overloaded,
      `${who} too many sessions. End some with DELETE or try again later.`,
      status,
      REFUSED,
    );
  }
}

export class TooManyCalls extends GatewayError {
  constructor(limit: number) {
    const message = `This session has ${limit} calls in flight, which is its limit. Wait for answers.`;
    super(GatewayCode.overloaded, message, 429, REFUSED);
  }
}

/** Resuming would skip events that are no longer kept. */
export class EventsNoLongerKept extends GatewayError {
  constructor(eventId: string) {
    const shown = JSON.stringify(eventId.slice(0, 64));
    super(RpcCode.invalidRequest, `No events are kept after ${shown}. Open a new stream without Last-Event-ID.`, 400);
  }
}

/** The call that asked has ended before its client answered. */
export class QuestionAbandoned extends Error {
  constructor() {
    super('The call that asked has ended.');
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
