import { createHash } from 'node:crypto';
import type { Caller } from '#lib/extension-kit';

const contexts = new WeakMap<Caller, string>();

/**
 * A digest of everything that identifies a caller. A result that a server marks as private is reused only within one
 * context, and every token has its own (specification 2026: server/utilities/caching, Cache Scope Field). The gateway's own
 * credentials at a server are part of the server definition.
 */
export function toAuthorizationContext(caller: Caller): string {
  const cached = contexts.get(caller);
  if (cached !== undefined) return cached;
  const { key, roles, teams, servers, serverIdentities, scopes, claims, grants } = caller;
  const context = createHash('sha256')
    .update(JSON.stringify([key, roles, teams, servers, serverIdentities, scopes, claims, grants]))
    .digest('base64');
  contexts.set(caller, context);
  return context;
}
