import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

/** 401: the browser has no session of the admin page, or an ended one. */
export class NoPageSession extends GatewayError {
  /** Value of the WWW-Authenticate header. */
  readonly wwwAuthenticate = 'Bearer';

  constructor(message = 'The session of the admin page has ended. Log in again.') {
    super(RpcCode.invalidRequest, message, 401, { outcome: 'not_executed', retriable: false, httpStatus: 401 });
  }
}

/** 403: a page of another origin, or no page, sent the session cookie of the admin page. */
export class ForeignPage extends GatewayError {
  constructor() {
    const message =
      'The session of the admin page is valid for its own requests only. Send a bearer token instead of the cookie.';
    super(GatewayCode.deniedByPolicy, message, 403, { outcome: 'not_executed', retriable: false, httpStatus: 403 });
  }
}

/** 503: Redis is unavailable, so it is unknown whether the session has ended. */
export class PageSessionsUnavailable extends GatewayError {
  constructor() {
    const message = 'Redis is unavailable, so sessions of the admin page cannot be checked. Retry later.';
    super(GatewayCode.coordinationUnavailable, message, 503, { outcome: 'not_executed', retriable: true });
  }
}

/** 503: the token of the session has expired, and the OpenID provider that renews it cannot be reached. */
export class RenewalUnavailable extends GatewayError {
  constructor() {
    const message = 'The OpenID provider cannot be reached, so the session cannot be renewed. Retry later.';
    super(GatewayCode.overloaded, message, 503, { outcome: 'not_executed', retriable: true });
  }
}
