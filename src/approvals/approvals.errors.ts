import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';

/** Too many calls wait for admins: 503 for the installation, 429 for one principal. */
export class TooManyApprovals extends GatewayError {
  constructor(scope: 'installation' | 'principal', limit: number) {
    const status = scope === 'principal' ? 429 : 503;
    const message = `Limit of calls that wait for an admin reached for this ${scope} (${limit}). The call was not executed. Retry later.`;
    super(GatewayCode.overloaded, message, status, { outcome: 'not_executed', retriable: true });
  }
}
