import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';

/** 503: the status of the session's owner is unknown. Nothing was sent. */
export class OwnerUnreachable extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true } as const;
    const message = 'The worker that owns the session cannot be reached; the call was not executed. Retry later.';
    super(GatewayCode.ownerUnreachable, message, 503, data);
  }
}

/** 503: Redis is unavailable, so the session's owner cannot be determined. Nothing was sent. */
export class CoordinationUnavailable extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true } as const;
    const message = 'Redis is unavailable; the call was not executed. Retry later.';
    super(GatewayCode.coordinationUnavailable, message, 503, data);
  }
}

/** The sending worker knows this server, but the receiving worker does not have it configured (yet). */
export class ServerNotConfigured extends GatewayError {
  constructor(server: string) {
    const data = { outcome: 'not_executed', retriable: true, server } as const;
    const message = `Server ${server} is not configured at the session's owner; the call was not run. Retry later.`;
    super(GatewayCode.upstreamFailed, message, 502, data);
  }
}
