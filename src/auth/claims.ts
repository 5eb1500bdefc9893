import type { VerifiedToken } from '#lib/extension-kit';
import { isJsonObject } from '#lib/mcp-protocol';
import { TokenRefused } from './auth.errors.js';

/** Subjects are part of keys, log lines and session ids. */
const MAX_SUBJECT_LENGTH = 512;
const MAX_NAMES = 256;

/**
 * Reads the claims of a verified payload: `roles` and `teams` (lists), `scope` (space separated) or `scp`. Throws TokenRefused.
 *
 * @param clockSkew seconds for which the token is still accepted after its expiry
 */
export function readClaims(payload: unknown, clockSkew: number): VerifiedToken {
  if (!isJsonObject(payload)) throw new TokenRefused('The token contains no claims.');
  const { iss, sub, exp, roles, teams, scope, scp } = payload;
  if (typeof exp !== 'number') throw new TokenRefused('The token has no expiry. Every token needs the claim exp.');
  if (typeof sub !== 'string' || sub === '') throw new TokenRefused('The token has no subject.');
  if (sub.length > MAX_SUBJECT_LENGTH) throw new TokenRefused('The subject of the token is too long.');
  return {
    principal: { issuer: typeof iss === 'string' ? iss : '', subject: sub },
    roles: readNames(roles),
    teams: readNames(teams),
    scopes: readNames(scope ?? scp),
    expiresAtMs: exp * 1_000,
    acceptedUntilMs: (exp + clockSkew) * 1_000,
    claims: payload,
  };
}

function readNames(value: unknown): readonly string[] {
  const names: unknown[] = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  return names.filter((name) => typeof name === 'string' && name !== '').slice(0, MAX_NAMES) as string[];
}
