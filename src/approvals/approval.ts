import type { Principal } from '#lib/extension-kit';
import type { JsonValue } from '#lib/mcp-protocol';

/** States of an approval that are stored. */
export type StoredState = 'pending' | 'approved' | 'refused' | 'used';

/** `approved`: the call may run once. `used`: it has. `expired`: nobody decided in time, or no call used the approval. */
export const APPROVAL_STATES = ['pending', 'approved', 'refused', 'used', 'expired'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** The arguments of a call, as admins may read them. */
export interface ShownArguments {
  /** Keyed digest, equal to the one in audit records of calls with the same arguments. */
  readonly argumentsDigest: string;
  /** Without values that look like credentials. Absent: they are too long. */
  readonly arguments?: JsonValue;
  readonly isWithoutArguments?: true;
}

/** A call that waits for an admin. It never changes. */
export interface ApprovalRequest extends ShownArguments {
  /** Begins with the id of the request that asked first. */
  readonly id: string;
  /** Digest of what the approval is bound to. */
  readonly call: string;
  readonly requestId: string;
  readonly principal: Principal;
  readonly server: string;
  readonly method: string;
  /** The server's own name of the tool or prompt, or the URI of the resource. */
  readonly item: string;
  /** Why an admin is asked. */
  readonly message: string;
  /** Milliseconds since the Unix epoch. */
  readonly askedAt: number;
  readonly expiresAt: number;
}

/** What an admin decided. */
export interface Decision {
  readonly by: Principal;
  readonly at: number;
  readonly reason?: string;
}

/** A call that waits for an admin, and what became of it. */
export interface Approval extends ApprovalRequest {
  readonly state: StoredState;
  readonly decision?: Decision;
}

/** How long an approval is kept after its expiry, for admins and for clients that return late, in milliseconds. */
export const KEPT_MS = 10 * 60_000;

/** The state at a time. */
export function stateAt({ state, expiresAt }: Approval, now: number): ApprovalState {
  const isOpen = state === 'pending' || state === 'approved';
  return isOpen && now >= expiresAt ? 'expired' : state;
}
