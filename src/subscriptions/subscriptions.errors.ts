import { GatewayError } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';

export class TooManySubscriptions extends GatewayError {
  constructor(limit: number) {
    const message = `This session is subscribed to ${limit} resources, which is its limit. Unsubscribe from some.`;
    super(GatewayCode.overloaded, message, 429, { outcome: 'not_executed', retriable: false });
  }
}

/** The clients of this worker listen to so much of one server that it cannot be asked for more. */
export class SubscriptionLimitReached extends GatewayError {
  constructor(server: string, limit: number) {
    const message = `At server ${server} the clients of this gateway listen to ${limit} resources, or to URIs of more than can be sent, which is the limit. Ask for less.`;
    super(GatewayCode.overloaded, message, 503, { outcome: 'not_executed', retriable: false, server });
  }
}

/** The server refuses some of those who want to listen, and it was not found out in time whom. */
export class TooManyRefusals extends GatewayError {
  constructor(server: string) {
    const message = `Server ${server} refuses too many of the subscriptions that are asked for at this moment. Try again.`;
    super(GatewayCode.overloaded, message, 503, { outcome: 'not_executed', retriable: true, server });
  }
}

/** Whoever may share what is had of the server is not whom it was when the feed was opened. Nobody outside hears of it. */
export class SharingChanged extends GatewayError {
  constructor(server: string) {
    const data = { outcome: 'not_executed', retriable: true, server } as const;
    super(GatewayCode.upstreamFailed, `Server ${server} has changed while it was listened to. Try again.`, 502, data);
  }
}

/** The server would never tell of a change: to accept the subscription would be a promise that nobody keeps. */
export class NotSubscribable extends GatewayError {
  constructor(server: string) {
    super(RpcCode.methodNotFound, `Server ${server} does not tell of changes of this resource.`, 404);
  }
}

/** The server was taken out of the configuration. */
export class ServerRemoved extends GatewayError {
  constructor(server: string) {
    const data = { outcome: 'not_executed', retriable: true, server } as const;
    super(GatewayCode.upstreamFailed, `Server ${server} is not configured any more.`, 502, data);
  }
}
