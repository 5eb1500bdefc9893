import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, isJsonObject, type Outcome } from '#lib/mcp-protocol';
import type { BusEnd } from '#lib/worker-bus';
import { NOT_HELD } from './placement.js';
import { toCallOutcome, WorkerSignal } from '../workers/index.js';
import type { NotHeldReply } from './pool-orders.js';

const NOT_EXECUTED = { outcome: 'not_executed', retriable: true } as const;

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

/** 503: the worker that is asked does not have the connection, or no more. Nothing has run. */
export class ConnectionNotHeld extends WorkerSignal {
  constructor() {
    const { code, message, data } = NOT_HELD.error;
    super(code, message, 503, data);
  }

  override toReply(): NotHeldReply {
    return { kind: 'not-held' };
  }
}

/** Whether another worker says that it has no such connection, and has run nothing. */
export function isNotHeld(value: unknown): boolean {
  return isJsonObject(value) && value['kind'] === 'not-held';
}

/** As `toCallOutcome`, for a request that may need a connection of another worker. */
export function toConnectionOutcome(end: BusEnd): Outcome {
  return end.kind === 'value' && isNotHeld(end.value) ? NOT_HELD : toCallOutcome(end);
}
