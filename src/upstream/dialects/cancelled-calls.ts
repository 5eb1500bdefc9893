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
  private readonly calls = new Map<number, CancelledCall>();
  /** Two principals suffice: any caller differs from at least one of them. */
  private readonly evictedPrincipals = new Set<string | undefined>();

  constructor(private readonly context: CancelledCallsContext) {}

  /**
   * `isSilent`: by the protocol the server sends no unsolicited message about this call; it is removed after a timeout.
   */
  add(id: number, identity: CallIdentity | undefined, isSilent = false): void {
    const call = { principal: identity?.principal, expiresAt: 0, expire: () => void this.calls.delete(id) };
    this.calls.set(id, call);
    if (isSilent) this.context.deadlines.add(call, this.context.requestMs);
    else if (this.calls.size > MAX_TRACKED_CALLS) this.evictOldest();
  }

  /** The server answered the cancelled call and has finished it. */
  answered(id: number): void {
    const call = this.calls.get(id);
    if (call === undefined) return;
    this.calls.delete(id);
    this.context.deadlines.remove(call, this.context.requestMs);
  }

  /** Returns true when a message of the server may belong to a cancelled call of another principal. */
  mayBelongToOthers(identity: CallIdentity | undefined): boolean {
    const isOther = (principal: string | undefined): boolean =>
      identity === undefined || principal !== identity.principal;
    for (const { principal } of this.calls.values()) if (isOther(principal)) return true;
    return [...this.evictedPrincipals].some(isOther);
  }

  private evictOldest(): void {
    const [oldest] = this.calls;
    if (oldest === undefined) return;
    const [id, { principal }] = oldest;
    this.answered(id);
    if (this.evictedPrincipals.size < 2) this.evictedPrincipals.add(principal);
  }
}
