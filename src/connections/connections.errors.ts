import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, isJsonObject, type Outcome } from '#lib/mcp-protocol';
import type { BusEnd } from '#lib/worker-bus';
import { BLOCKED_BY_QUESTION, needsNewConnection, onNewConnection } from '../upstream/index.js';
import { NOT_HELD } from './placement.js';
import { readOutcome, toCallOutcome, WorkerSignal } from '../workers/index.js';
import type { NotHeldReply } from './pool-orders.js';

const NOT_EXECUTED = { outcome: 'not_executed', retriable: true } as const;

/** The configuration changed before the call was sent; the call was not executed. */
export class ServerReconfigured extends GatewayError {
  constructor(server: string) {
    const message = `The configuration of server ${server} has just changed; the call was not executed. Retry.`;
    super(GatewayCode.upstreamFailed, message, 502, { ...NOT_EXECUTED, server });
  }
}

/** The request was cancelled while its connection was being opened. */
export class ConnectCancelled extends GatewayError {
  constructor() {
    super(
      GatewayCode.upstreamFailed,
      'The call was cancelled before it was sent; it was not executed.',
      502,
      NOT_EXECUTED,
    );
  }
}

/** Another worker did not open its connection to the server in time. */
export class ConnectTimeout extends GatewayError {
  constructor() {
    const message = 'The connection to the server was not open in time; the call was not executed. Retry later.';
    super(GatewayCode.upstreamFailed, message, 502, NOT_EXECUTED);
  }
}

/**
 * 503: the question of another client blocks the connection. Nothing has run, and another connection may serve the
 * request.
 */
export class ConnectionBlocked extends WorkerSignal {
  constructor() {
    const { code, message, data } = BLOCKED_BY_QUESTION.error;
    super(code, message, 503, data);
  }

  // A worker that does not know this reply understands that it has to acquire another connection.
  override toReply(): NotHeldReply {
    return { kind: 'not-held', isBlocked: true };
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
    const message = `Session limit reached for server ${server} (${limit}); the call was not executed. Close sessions that you do not need, or wait, then retry.`;
    super(GatewayCode.overloaded, message, 429, { ...NOT_EXECUTED, server });
  }
}

/** 503: the worker does not hold the connection (any more). Nothing has run. */
export class ConnectionNotHeld extends WorkerSignal {
  /** @param outcome why the connection ended, if its worker knows it */
  constructor(private readonly outcome?: Outcome) {
    const { code, message, data } = NOT_HELD.error;
    super(code, message, 503, data);
  }

  override toReply(): NotHeldReply {
    return { kind: 'not-held', ...(this.outcome && { outcome: this.outcome }) };
  }
}

/** Returns true when the other worker replied that it does not hold the connection and has run nothing. */
export function isNotHeld(value: unknown): boolean {
  return isJsonObject(value) && value['kind'] === 'not-held';
}

/** Returns true when another client's question blocks the connection that the other worker holds. */
export function isBlocked(value: unknown): boolean {
  return isJsonObject(value) && value['kind'] === 'not-held' && value['isBlocked'] === true;
}

/** True if a request certainly did not run because its connection had ended, so that it may be sent over another one. */
export const isNotRun = (outcome: Outcome): boolean => outcome === NOT_HELD || needsNewConnection(outcome);

/** Converts the end of an order as `toCallOutcome` does. The order may have needed a connection of another worker. */
export function toConnectionOutcome(end: BusEnd): Outcome {
  return end.kind === 'value' && isNotHeld(end.value) ? toNotHeldOutcome(end.value) : toCallOutcome(end);
}

/** The client learns why the connection ended if the repetition over another one fails, too. */
function toNotHeldOutcome(reply: unknown): Outcome {
  const outcome = isJsonObject(reply) ? readOutcome(reply['outcome']) : undefined;
  return outcome?.kind === 'error' ? onNewConnection(outcome) : NOT_HELD;
}
