import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';

/** 503: the worker that is asked does not have the connection, or no more. Nothing has run. */
export class ConnectionNotHeld extends GatewayError {
  constructor() {
    const message = 'The connection to the upstream at another worker is gone. The call was not executed; call again.';
    super(GatewayCode.ownerUnreachable, message, 503, { outcome: 'not_executed', retriable: true });
  }
}
