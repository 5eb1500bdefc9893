import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

/** 403: the caller is known, and has none of the roles that this needs. */
export class RoleMissing extends GatewayError {
  constructor(roles: readonly string[]) {
    const data = { outcome: 'not_executed', retriable: false, httpStatus: 403 } as const;
    super(GatewayCode.deniedByPolicy, `This needs one of the roles: ${roles.join(', ')}.`, 403, data);
  }
}

/** 403: a personal access token for some servers only administers none. */
export class TokenRestricted extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: false, httpStatus: 403 } as const;
    const message =
      'This token is good for calls at some servers only. Administer with one that is not bound to servers.';
    super(GatewayCode.deniedByPolicy, message, 403, data);
  }
}

/** 404: there is no such thing, or no more. */
export class ResourceNotFound extends GatewayError {
  constructor(what: string) {
    super(RpcCode.invalidRequest, `${what} is not there, or not any more.`, 404);
  }
}
