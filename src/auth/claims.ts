import type { VerifiedToken } from '#lib/extension-kit';
import { isJsonObject } from '#lib/mcp-protocol';
import { TokenRefused } from './auth.errors.js';

/** Subjects stand in keys, logs and session ids. */
const LONGEST_SUBJECT = 512;
const MOST_NAMES = 256;

/** What a verified payload says: `roles` and `teams` (lists), `scope` (space separated) or `scp`. Throws TokenRefused. */
export function readClaims(payload: unknown): VerifiedToken {
  if (!isJsonObject(payload)) throw new TokenRefused('The token holds no claims.');
  const { iss, sub, exp, roles, teams, scope, scp } = payload;
  if (typeof exp !== 'number') throw new TokenRefused('The token never expires. Tokens need a time of expiry.');
  if (typeof sub !== 'string' || sub === '') throw new TokenRefused('The token names no subject.');
  if (sub.length > LONGEST_SUBJECT) throw new TokenRefused('The subject of the token is too long.');
  return {
    principal: { issuer: typeof iss === 'string' ? iss : '', subject: sub },
    roles: namesIn(roles),
    teams: namesIn(teams),
    scopes: namesIn(scope ?? scp),
    expiresAtMs: exp * 1_000,
    claims: payload,
  };
}

function namesIn(value: unknown): readonly string[] {
  const names: unknown[] = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  return names.filter((name) => typeof name === 'string' && name !== '').slice(0, MOST_NAMES) as string[];
}
