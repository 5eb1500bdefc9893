import { GatewayError, type Caller } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

/** The token is invalid. The message says why and does not repeat any part of the token. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

/** 401: the token is missing or invalid. The challenge names where to obtain a valid one (RFC 6750, RFC 9728). */
export class Unauthenticated extends GatewayError {
  constructor(
    message: string,
    /** Value of the WWW-Authenticate header. */
    readonly wwwAuthenticate: string,
  ) {
    super(RpcCode.invalidRequest, message, 401, { outcome: 'not_executed', retriable: false, httpStatus: 401 });
  }
}

/** 403: the token is valid but lacks a required scope. */
export class MissingScope extends GatewayError {
  constructor(
    readonly scopes: readonly string[],
    /** Value of the WWW-Authenticate header. */
    readonly wwwAuthenticate: string,
    /** The caller that the token authenticates. */
    readonly caller: Caller,
  ) {
    const data = { outcome: 'not_executed', retriable: false, httpStatus: 403 } as const;
    super(GatewayCode.deniedByPolicy, `The token needs the scopes ${scopes.join(' ')}.`, 403, data);
  }
}

/** 429: too many requests from this address had no valid token. */
export class TooManyFailedAuthentications extends GatewayError {
  constructor(retryAfterMs: number) {
    const data = { outcome: 'not_executed', retriable: true, httpStatus: 429, retryAfterMs } as const;
    super(
      GatewayCode.overloaded,
      'Too many requests from this address had no valid token. Obtain a valid token, then retry later.',
      429,
      data,
    );
  }
}

/** 503: the key set cannot be fetched, so it is unknown whether the token is valid. */
export class KeysUnavailable extends GatewayError {
  constructor(retryAfterMs: number) {
    const data = { outcome: 'not_executed', retriable: true, httpStatus: 503, retryAfterMs } as const;
    super(
      GatewayCode.overloaded,
      "The key set of the token's issuer cannot be fetched, so the token cannot be verified. Retry later.",
      503,
      data,
    );
  }
}

/** 503: the database is unavailable, so it is unknown whether the personal access token was revoked. */
export class TokensUnavailable extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true, httpStatus: 503, retryAfterMs: 1_000 } as const;
    super(
      GatewayCode.overloaded,
      'The database is unavailable, so personal access tokens cannot be validated. Retry later.',
      503,
      data,
    );
  }
}

/** The caller of a refused request, if its token is valid: one without the required scopes. */
export const refusedCallerOf = (cause: unknown): Caller | undefined =>
  cause instanceof MissingScope ? cause.caller : undefined;
