import type { Migration } from '../migration.js';
import { registry } from './0001-registry.js';
import { audit } from './0002-audit.js';
import { accessTokens } from './0003-access-tokens.js';
import { idempotencyKeys } from './0004-idempotency-keys.js';
import { refreshes } from './0005-refreshes.js';
import { items } from './0006-items.js';
import { teamRoles } from './0007-team-roles.js';
import { auditMade } from './0008-audit-made.js';
import { auditTokensAndClasses } from './0009-audit-tokens-and-classes.js';
import { itemRevisions } from './0010-item-revisions.js';
import { serverIdentity } from './0011-server-identity.js';
import { usage } from './0012-usage.js';
import { auditChains } from './0013-audit-chains.js';

/** All migrations in order. A new migration is a file with the next number and a line here. */
export const MIGRATIONS: readonly Migration[] = [
  registry,
  audit,
  accessTokens,
  idempotencyKeys,
  refreshes,
  items,
  teamRoles,
  auditMade,
  auditTokensAndClasses,
  itemRevisions,
  serverIdentity,
  usage,
  auditChains,
];
