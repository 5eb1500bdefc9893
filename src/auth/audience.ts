import type { RequestedResource, VerifiedToken } from '#lib/extension-kit';
import { TokenRefused } from './auth.errors.js';

/**
 * Requires that the token was issued for the gateway or for the requested endpoint. A token for the endpoint is returned with
 * its `resource`: it must not be accepted elsewhere (RFC 8707, 2). Throws TokenRefused.
 */
export function requireAudience(
  token: VerifiedToken,
  accepted: readonly string[],
  requested: RequestedResource | undefined,
): VerifiedToken {
  const audiences = readAudiences(token.claims['aud']);
  if ([...accepted, ...(requested?.gateway ?? [])].some((audience) => audiences.includes(audience))) return token;
  const endpoint = requested?.endpoint;
  if (endpoint !== undefined && audiences.includes(endpoint)) return { ...token, resource: endpoint };
  throw new TokenRefused('The token was issued for another audience.');
}

/** A string or a list of strings (RFC 7519, 4.1.3). */
function readAudiences(claim: unknown): readonly unknown[] {
  if (typeof claim === 'string') return [claim];
  return Array.isArray(claim) ? claim : [];
}
