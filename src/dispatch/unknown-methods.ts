import { isFullyVisible } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { Inbound } from './inbound.js';

/** A caller at an endpoint. */
type Visitor = Pick<Inbound, 'caller' | 'endpoint'>;

/**
 * Returns the server that receives the caller's methods and notifications that the gateway does not know, or undefined when
 * they are passed on to none. Requests, notifications and announced capabilities all follow this decision (invariant 10):
 * the gateway cannot tell which items such a message uses, so the endpoint must be transparent and the caller unrestricted.
 */
export function serverOfUnknownMethods({ endpoint }: Visitor): ServerDefinition | undefined {
  const [server] = endpoint.servers;
  return endpoint.transparent && isFullyVisible(endpoint) ? server : undefined;
}
