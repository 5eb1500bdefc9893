import type { Caller } from '#lib/extension-kit';
import type { AuditRecord } from './audit-record.js';

/** Claims come from the identity provider, which may put any text into them. */
const MAX_TOKEN_ID_LENGTH = 128;

/** Returns the members of a record that describe its caller. Undefined: the request had no valid token. */
export function describeCaller(
  caller: Caller | undefined,
): Pick<AuditRecord, 'issuer' | 'subject' | 'roles' | 'token'> {
  if (!caller || caller.anonymous) return { issuer: '', subject: '', roles: [] };
  const { principal, roles, accessToken, claims } = caller;
  const token = accessToken ?? claims['jti'];
  return {
    issuer: principal.issuer,
    subject: principal.subject,
    roles,
    ...(typeof token === 'string' && token !== '' && { token: token.slice(0, MAX_TOKEN_ID_LENGTH) }),
  };
}
