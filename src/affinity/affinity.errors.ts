import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';
import { WorkerSignal } from '../workers/index.js';
import type { SessionMovedReply, SessionUnknownReply } from './session-orders.js';

/**
 * No session answers to this id here. A foreign principal's or another endpoint's id looks exactly the same
 * (specification 2025: basic/transports, Session Management: 404 tells the client to initialize anew).
 */
export class SessionUnknown extends WorkerSignal {
  constructor() {
    super(RpcCode.invalidRequest, 'Session not found. Initialize a new one.', 404);
  }

  override toReply(): SessionUnknownReply {
    return { kind: 'gone' };
  }
}

/** The worker that owned the session gave it to another one. For workers only: they go on there. */
export class SessionMoved extends WorkerSignal {
  constructor(
    /** Incarnation of the worker that has it now. */
    readonly newOwner: string,
  ) {
    const data = { outcome: 'not_executed', retriable: true } as const;
    super(GatewayCode.ownerUnreachable, 'The session lives at another worker now.', 503, data);
  }

  override toReply(): SessionMovedReply {
    return { kind: 'moved', to: this.newOwner };
  }
}

/** The worker that is to take a session over leaves itself. */
export class ReceiverDraining extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true } as const;
    super(GatewayCode.draining, 'This worker is shutting down and takes no sessions.', 503, data);
  }
}

/** The worker that gives a session away was declared gone meanwhile, and the session with it. */
export class PreviousOwnerFenced extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: false } as const;
    super(GatewayCode.ownerUnreachable, 'The worker that gave the session away was declared gone.', 503, data);
  }
}

/** What another worker sent is no session. */
export class InvalidHandoff extends GatewayError {
  constructor() {
    super(RpcCode.invalidParams, 'This is no session that could be taken over.', 400);
  }
}
