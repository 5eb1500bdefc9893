import { tokenIdOf, type Caller } from '#lib/extension-kit';
import type { AuditRecord } from './audit-record.js';

/** Returns the members of a record that describe its caller. Undefined: the request had no valid token. */
export function describeCaller(
  caller: Caller | undefined,
): Pick<AuditRecord, 'issuer' | 'subject' | 'roles' | 'token'> {
  if (!caller || caller.anonymous) return { issuer: '', subject: '', roles: [] };
  const { principal, roles } = caller;
  const token = tokenIdOf(caller);
  return {
    issuer: principal.issuer,
    subject: principal.subject,
    roles,
    ...(token !== undefined && { token }),
  };
}
