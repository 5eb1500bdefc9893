import { HttpException } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

/** 403: the caller is authenticated but has none of the required roles. */
export class RoleMissing extends GatewayError {
  constructor(roles: readonly string[]) {
    const data = { outcome: 'not_executed', retriable: false, httpStatus: 403 } as const;
    super(GatewayCode.deniedByPolicy, `This route requires one of the roles: ${roles.join(', ')}.`, 403, data);
  }
}

/** 403: a personal access token restricted to servers cannot administer the gateway. */
export class TokenRestricted extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: false, httpStatus: 403 } as const;
    const message =
      'This token is restricted to calls of some servers. Use a token without that restriction for administration.';
    super(GatewayCode.deniedByPolicy, message, 403, data);
  }
}

/** 404: the resource does not exist, or no longer exists. */
export class ResourceNotFound extends GatewayError {
  /** @param resource subject of the message, such as "The session" */
  constructor(resource: string) {
    super(RpcCode.invalidRequest, `${resource} does not exist, or no longer exists.`, 404);
  }
}

const CONFLICT = 409;

/** 409: the request stops the gateway, so it must be confirmed. */
export class ConfirmationRequired extends HttpException {
  /** Reason of the problem document, for programs. */
  readonly reason = 'confirmation_required';

  constructor() {
    super(
      'No other worker serves requests, so draining this one stops the gateway. To drain it nevertheless, repeat the ' +
        'request with ?confirm=only-worker.',
      CONFLICT,
    );
  }
}

/** 409: the guardrail cannot run at this worker. */
export class GuardrailUnusable extends HttpException {
  constructor(slug: string) {
    super(`The guardrail ${slug} cannot run at this worker; its faults say why. Replace the entry first.`, CONFLICT);
  }
}

/** 403: an admin must not approve a call of their own. */
export class OwnCall extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: false, httpStatus: 403 } as const;
    super(GatewayCode.deniedByPolicy, 'You made this call yourself. Another admin must approve it.', 403, data);
  }
}

/** 409: the approval has expired, or somebody has decided already. */
export class ApprovalDecided extends HttpException {
  constructor(state: string) {
    super(`The approval is not pending any more; its state is ${state}.`, CONFLICT);
  }
}
