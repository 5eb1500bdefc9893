import { GatewayError } from '#lib/extension-kit';
import { RpcCode } from '#lib/mcp-protocol';

/**
 * No session answers to this id here. A foreign principal's or another endpoint's id looks exactly the same
 * (specification 2025: basic/transports, Session Management: 404 tells the client to initialize anew).
 */
export class SessionUnknown extends GatewayError {
  constructor() {
    super(RpcCode.invalidRequest, 'Session not found. Initialize a new one.', 404);
  }
}
