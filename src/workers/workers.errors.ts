import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';

/** 503: whether the session's worker still lives cannot be told yet. Nothing was sent. */
export class OwnerUnreachable extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true } as const;
    super(GatewayCode.ownerUnreachable, 'The worker that holds the session cannot be reached. Try again.', 503, data);
  }
}

/** 503: Redis cannot be asked where the session lives. Nothing was sent. */
export class CoordinationUnavailable extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true } as const;
    const message = 'Coordination is unavailable: Redis cannot be asked. The call was not executed; call again later.';
    super(GatewayCode.coordinationUnavailable, message, 503, data);
  }
}

/** A server that the worker which asks knows of and this one does not, or not yet. */
export class ServerNotConfigured extends GatewayError {
  constructor(server: string) {
    const data = { outcome: 'not_executed', retriable: true, server } as const;
    super(GatewayCode.upstreamFailed, `Server ${server} is not configured at the session's worker.`, 502, data);
  }
}
