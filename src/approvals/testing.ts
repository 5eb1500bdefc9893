/** What tests of other folders need. */
import type { Clock } from '#lib/time';
import { ArgumentViews, AuditKey } from '../audit/index.js';
import { GatewayEvents } from '../events/index.js';
import { MemoryApprovalStore, type ApprovalStore } from './approval-store.js';
import { Approvals } from './approvals.js';

/** Approvals in memory, or of another store. */
export function createApprovals(
  clock: Clock,
  store: ApprovalStore = new MemoryApprovalStore(clock),
  events = new GatewayEvents(clock),
): Approvals {
  return new Approvals(store, events, new ArgumentViews(new AuditKey(Buffer.alloc(32, 7))), clock);
}
