import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { CallIdentity } from '../upstream-connection.js';

/** Maximum number of calls that are tracked one by one. Of older calls only the principals are stored. */
const MAX_TRACKED_CALLS = 1_024;

interface CancelledCall extends Expiring {
  readonly principal: string | undefined;
}

/** Settings and services that all calls of one connection share. */
interface CancelledCallsContext {
  readonly deadlines: Deadlines;
  readonly requestMs: number;
}

/**
 * Tracks calls that were cancelled after they were sent. Few servers answer a cancelled request
 * (basic/utilities/cancellation: they should not), and many continue to work on it. A message on a channel that names
 * no call may therefore belong to one of these calls. Only an answer shows that the server has finished the call
 * (upstream/README.md, invariant 6).
 */
export class CancelledCalls {
  // Created on demand, because every session has a connection and few have cancelled calls.
  private calls: Map<number, CancelledCall> | undefined;
  /** Two principals suffice: any caller differs from at least one of them. */
  private evictedPrincipals: Set<string | undefined> | undefined;

  constructor(private readonly context: CancelledCallsContext) {}

  /**
   * `isSilent`: by the protocol the server sends no unsolicited message about this call; it is removed after a timeout.
   */
  add(id: number, identity: CallIdentity | undefined, isSilent = false): void {
    const calls = (this.calls ??= new Map());
    const call = { principal: identity?.principal, expiresAt: 0, expire: () => void calls.delete(id) };
    calls.set(id, call);
    if (isSilent) this.context.deadlines.add(call, this.context.requestMs);
    else if (calls.size > MAX_TRACKED_CALLS) this.evictOldest(calls);
  }

  /** The server answered the cancelled call and has finished it. */
  answered(id: number): void {
    const call = this.calls?.get(id);
    if (call === undefined) return;
    this.calls?.delete(id);
    this.context.deadlines.remove(call, this.context.requestMs);
  }

  /** Returns true when a message of the server may belong to a cancelled call of another principal. */
  mayBelongToOthers(identity: CallIdentity | undefined): boolean {
    const isOther = (principal: string | undefined): boolean =>
      identity === undefined || principal !== identity.principal;
    for (const { principal } of this.calls?.values() ?? []) if (isOther(principal)) return true;
    return [...(this.evictedPrincipals ?? [])].some(isOther);
  }

  private evictOldest(calls: ReadonlyMap<number, CancelledCall>): void {
    const [oldest] = calls;
    if (oldest === undefined) return;
    const [id, { principal }] = oldest;
    this.answered(id);
    const evicted = (this.evictedPrincipals ??= new Set());
    if (evicted.size < 2) evicted.add(principal);
  }
}
