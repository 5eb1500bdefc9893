import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

/** Why a token is worth nothing, in a sentence that repeats nothing of it. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

/** 401: there is no token, or a bad one. The challenge tells the client where to get a good one (RFC 6750, RFC 9728). */
export class Unauthenticated extends GatewayError {
  constructor(
    message: string,
    /** Value of the WWW-Authenticate header. */
    readonly wwwAuthenticate: string,
  ) {
    super(RpcCode.invalidRequest, message, 401, { outcome: 'not_executed', retriable: false, httpStatus: 401 });
  }
}

/** 403: the token is good, but not for this. */
export class MissingScope extends GatewayError {
  constructor(
    readonly scopes: readonly string[],
    /** Value of the WWW-Authenticate header. */
    readonly wwwAuthenticate: string,
  ) {
    const data = { outcome: 'not_executed', retriable: false, httpStatus: 403 } as const;
    super(GatewayCode.deniedByPolicy, `The token needs the scope ${scopes.join(' ')}.`, 403, data);
  }
}

/** 503: a token cannot be judged now. It may be as good as any. */
export class KeysUnavailable extends GatewayError {
  constructor(retryAfterMs: number) {
    const data = { outcome: 'not_executed', retriable: true, httpStatus: 503, retryAfterMs } as const;
    super(GatewayCode.overloaded, "The keys of the token's issuer cannot be fetched now. Try again.", 503, data);
  }
}

/** 503: personal access tokens cannot be judged now; the token may have been revoked. */
export class TokensUnavailable extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true, httpStatus: 503, retryAfterMs: 1_000 } as const;
    super(GatewayCode.overloaded, 'Personal access tokens cannot be judged now. Try again.', 503, data);
  }
}
