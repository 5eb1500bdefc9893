import { isJsonObject } from '#lib/mcp-protocol';
import type { SessionPool } from '../session-pool/index.js';
import type { AdmissionCheck } from '../workers/index.js';
import type { PendingHandoffs } from './pending-handoffs.js';
import { Refusal } from './session-orders.js';

/**
 * Turns away orders about sessions that are not here, before anything is claimed: they have run nothing and never will.
 * Whether the order is given on behalf of the right principal is looked at with the order itself.
 */
export function createSessionAdmission(sessions: SessionPool, moves: PendingHandoffs): AdmissionCheck {
  return (_pattern, payload) => {
    const session = isJsonObject(payload) ? payload['session'] : undefined;
    if (typeof session !== 'string' || sessions.find(session) || moves.find(session)) return undefined;
    const heir = sessions.findNewOwner(session);
    return heir === undefined ? { reason: Refusal.gone } : { reason: Refusal.moved, detail: heir };
  };
}
