import { createHash } from 'node:crypto';
import type { Caller } from '#lib/extension-kit';

const known = new WeakMap<Caller, string>();

/**
 * A digest of everything that identifies a caller. A result that a server marks as private is reused only within one
 * context, and every token has its own (specification 2026: server/utilities/caching, Cache Scope Field). The gateway's own
 * credentials at a server are part of the server definition.
 */
export function contextOf(caller: Caller): string {
  const cached = known.get(caller);
  if (cached !== undefined) return cached;
  const { key, roles, teams, servers, scopes, claims } = caller;
  const context = createHash('sha256')
    .update(JSON.stringify([key, roles, teams, servers, scopes, claims]))
    .digest('base64');
  known.set(caller, context);
  return context;
}
