import { Badge, Caller } from '../../components/index.js';
import type { Connection } from './connection-queries.js';

/** Whether somebody uses the connection now. */
export function ConnectionUse({ connection: { users } }: { readonly connection: Connection }) {
  return users > 0 ? <Badge tone="good">in use</Badge> : <Badge tone="neutral">idle</Badge>;
}

/** The user whom the connection serves, or that it serves all. */
export function ConnectionUser({ connection: { principal } }: { readonly connection: Connection }) {
  return principal === undefined ? <>all callers</> : <Caller principal={principal} />;
}
