import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

export class TooManySubscriptions extends GatewayError {
  constructor(limit: number) {
    const message = `Subscription limit reached for this session (${limit} resources). Unsubscribe from some of them.`;
    super(GatewayCode.overloaded, message, 429, { outcome: 'not_executed', retriable: false });
  }
}

/** The clients that share a subscription at one server have reached its limit of resources or of URI characters. */
export class SubscriptionLimitReached extends GatewayError {
  constructor(server: string, limit: number) {
    const message = `Subscription limit reached for server ${server} (${limit} resources, or the total length of their URIs). Subscribe to fewer resources.`;
    super(GatewayCode.overloaded, message, 503, { outcome: 'not_executed', retriable: false, server });
  }
}

/**
 * The server rejects some of the pending subscribers, and the bisection limit was reached before they were identified.
 */
export class TooManyRefusals extends GatewayError {
  constructor(server: string) {
    const message = `Server ${server} rejects too many of the subscriptions that clients request at this moment. Retry.`;
    super(GatewayCode.overloaded, message, 503, { outcome: 'not_executed', retriable: true, server });
  }
}

/**
 * The sharing rule for the server's connection changed since the shared subscription was created. Handled internally.
 */
export class SharingChanged extends GatewayError {
  constructor(server: string) {
    const data = { outcome: 'not_executed', retriable: true, server } as const;
    super(GatewayCode.upstreamFailed, `Server ${server} changed during the subscription. Retry.`, 502, data);
  }
}

/** The server does not honour the subscription. Accepting it would promise notifications that never come. */
export class NotSubscribable extends GatewayError {
  constructor(server: string) {
    const message = `Server ${server} does not support subscriptions to this resource, or does not declare the capability resources.subscribe.`;
    super(RpcCode.methodNotFound, message, 404);
  }
}

/** The server was removed from the configuration. */
export class ServerRemoved extends GatewayError {
  constructor(server: string) {
    const data = { outcome: 'not_executed', retriable: true, server } as const;
    super(GatewayCode.upstreamFailed, `Server ${server} is no longer configured.`, 502, data);
  }
}
