import { isJsonObject, type Outcome } from '#lib/mcp-protocol';
import type { BusEnd } from '#lib/worker-bus';
import { NOT_HELD } from '../session-pool/index.js';
import { toCallOutcome, WorkerSignal } from '../workers/index.js';
import type { NotHeldReply } from './pool-orders.js';

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
