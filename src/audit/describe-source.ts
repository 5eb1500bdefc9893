import type { RequestSource } from '../client-address/index.js';
import type { AuditRecord } from './audit-record.js';

/** Clients choose the path. */
const MAX_PATH_LENGTH = 300;

/** Returns the members of a record that describe its request. */
export function describeSource({
  method,
  path,
  address,
}: RequestSource): Pick<AuditRecord, 'method' | 'path' | 'address'> {
  return { method, path: path.slice(0, MAX_PATH_LENGTH), ...(address !== undefined && { address }) };
}
