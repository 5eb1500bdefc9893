import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode, type RequestId } from '#lib/mcp-protocol';

/** The HTTP request does not fit the MCP endpoint: 400, 405, 406 or 415, never a 5xx. */
export class BadRequest extends GatewayError {
  constructor(
    message: string,
    status = 400,
    /** Response headers that belong to the status, such as Allow. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(RpcCode.invalidRequest, message, status);
  }
}

export class UnreadableBody extends GatewayError {
  constructor(message: string) {
    super(RpcCode.parseError, message, 400);
  }
}

export class BodyTooLarge extends GatewayError {
  constructor(limitBytes: number) {
    const message = `The request is larger than ${limitBytes} bytes.`;
    super(GatewayCode.tooLarge, message, 413, { outcome: 'not_executed', retriable: false });
  }
}

export class EndpointNotFound extends GatewayError {
  constructor(slug: string) {
    const shown = JSON.stringify(slug.slice(0, 64));
    super(RpcCode.invalidRequest, `No server or virtual server is named ${shown}.`, 404);
  }
}

/** 503 with Retry-After: this worker is shutting down; another worker accepts the request. */
export class Draining extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true, retryAfterMs: 1_000 } as const;
    super(GatewayCode.draining, 'This worker is shutting down; the request was not executed. Retry.', 503, data);
  }
}

/** The cause of a rejected body with the request id for the error response. */
export class RefusedRequest extends Error {
  constructor(
    override readonly cause: unknown,
    /** Undefined for a batch, and for a body without a request. */
    readonly id: RequestId | undefined,
    /** Methods of the requests in the body, undefined for a malformed one. Undefined: the body holds no message. */
    readonly methods: readonly (string | undefined)[] | undefined,
  ) {
    super('The request was rejected.');
  }
}
