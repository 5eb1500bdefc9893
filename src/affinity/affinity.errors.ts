import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';
import { WorkerSignal } from '../workers/index.js';
import type { SessionMovedReply, SessionUnknownReply } from './session-orders.js';

/**
 * No session with this id exists for this principal at this endpoint. An id of another principal or endpoint gets the
 * same answer as an unknown one (specification 2025: basic/transports, Session Management: on 404 the client
 * initializes a new session).
 */
export class SessionUnknown extends WorkerSignal {
  constructor() {
    super(RpcCode.invalidRequest, 'Session not found. Initialize a new one.', 404);
  }

  override toReply(): SessionUnknownReply {
    return { kind: 'gone' };
  }
}

/**
 * The owner handed the session off to another worker. Internal to the gateway: the sender follows the session there.
 */
export class SessionMoved extends WorkerSignal {
  constructor(
    /** Id of the worker that owns the session now. */
    readonly newOwner: string,
  ) {
    const data = { outcome: 'not_executed', retriable: true } as const;
    super(GatewayCode.ownerUnreachable, 'The session was handed off to another worker.', 503, data);
  }

  override toReply(): SessionMovedReply {
    return { kind: 'moved', to: this.newOwner };
  }
}

/** The worker that was chosen to receive a session is shutting down itself. */
export class ReceiverDraining extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true } as const;
    super(GatewayCode.draining, 'This worker is shutting down and accepts no sessions.', 503, data);
  }
}

/** The previous owner was declared dead during the handoff, and its sessions with it. */
export class PreviousOwnerFenced extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: false } as const;
    const message = 'The previous owner of the session was declared dead; the handoff was rejected.';
    super(GatewayCode.ownerUnreachable, message, 503, data);
  }
}

/** The payload that another worker sent is not a valid handoff. */
export class InvalidHandoff extends GatewayError {
  constructor() {
    super(RpcCode.invalidParams, 'The handoff payload is invalid.', 400);
  }
}
