import { isJsonObject } from '#lib/mcp-protocol';
import type { SessionPool } from '../session-pool/index.js';
import type { AdmissionCheck } from '#lib/worker-bus';
import type { PendingHandoffs } from './pending-handoffs.js';
import { Refusal } from './session-orders.js';

/**
 * Rejects an order for a session that is not on this worker before the order is claimed, so a rejected order has
 * certainly not run. The handler of the order checks the principal.
 */
export function createSessionAdmission(sessions: SessionPool, pendingHandoffs: PendingHandoffs): AdmissionCheck {
  return (_pattern, payload) => {
    const session = isJsonObject(payload) ? payload['session'] : undefined;
    if (typeof session !== 'string' || sessions.find(session) || pendingHandoffs.find(session)) return undefined;
    const newOwner = sessions.findNewOwner(session);
    return newOwner === undefined ? { reason: Refusal.gone } : { reason: Refusal.moved, detail: newOwner };
  };
}
