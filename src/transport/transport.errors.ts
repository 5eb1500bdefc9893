import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode, type RequestId } from '#lib/mcp-protocol';

/** The request is not one that an MCP endpoint takes: 400, 405, 406 or 415, never a 5xx. */
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
    super(RpcCode.invalidRequest, `There is no server or virtual server called ${shown}.`, 404);
  }
}

/** 503 with Retry-After: this worker is leaving; another one takes the request. */
export class Draining extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true, retryAfterMs: 1_000 } as const;
    super(GatewayCode.draining, 'This worker is shutting down. Try again.', 503, data);
  }
}

/** A request that was refused, with the id that its answer has to carry. */
export class RefusedRequest extends Error {
  constructor(
    override readonly cause: unknown,
    readonly id: RequestId,
  ) {
    super('The request was refused.');
  }
}
