import { createHash } from 'node:crypto';
import type { Caller } from '#lib/extension-kit';

const contexts = new WeakMap<Caller, string>();

/**
 * A text for all that a caller is known by. What a server marked as private is shown within one context only, and another
 * token is another one (specification 2026: server/utilities/caching, Cache Scope Field). The credentials that a server is
 * spoken to with are part of its definition.
 */
export function toAuthorizationContext(caller: Caller): string {
  const before = contexts.get(caller);
  if (before !== undefined) return before;
  const { key, roles, teams, servers, scopes, claims } = caller;
  const context = createHash('sha256')
    .update(JSON.stringify([key, roles, teams, servers, scopes, claims]))
    .digest('base64');
  contexts.set(caller, context);
  return context;
}
