import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { Asker } from '../upstream-connection.js';

/** Maximum number of calls that are tracked one by one. Of older calls only the principals are stored. */
const MAX_REMEMBERED = 1_024;

interface WithdrawnCall extends Expiring {
  readonly principal: string | undefined;
}

/** Settings and services that all calls of one connection share. */
interface Surroundings {
  readonly deadlines: Deadlines;
  readonly requestMs: number;
}

/**
 * Tracks calls that were cancelled after they were sent. Few servers answer a cancelled request
 * (basic/utilities/cancellation: they should not), and many continue to work on it. A message on a channel that names
 * no call may therefore belong to one of these calls. Only an answer shows that the server has finished the call
 * (upstream/README.md, invariant 6).
 */
export class WithdrawnCalls {
  private readonly calls = new Map<number, WithdrawnCall>();
  /** Two principals suffice: any caller differs from at least one of them. */
  private readonly principalsOfOlder = new Set<string | undefined>();

  constructor(private readonly surroundings: Surroundings) {}

  /**
   * `isSilent`: by the protocol the server sends no unsolicited message about this call; it is removed after a timeout.
   */
  add(id: number, identity: Asker | undefined, isSilent = false): void {
    const call = { principal: identity?.principal, expiresAt: 0, expire: () => void this.calls.delete(id) };
    this.calls.set(id, call);
    if (isSilent) this.surroundings.deadlines.add(call, this.surroundings.requestMs);
    else if (this.calls.size > MAX_REMEMBERED) this.forgetOldest();
  }

  /** The server answered the cancelled call and has finished it. */
  answered(id: number): void {
    const call = this.calls.get(id);
    if (call === undefined) return;
    this.calls.delete(id);
    this.surroundings.deadlines.remove(call, this.surroundings.requestMs);
  }

  /** Returns true when a message of the server may belong to a cancelled call of another principal. */
  mayConcernOthersThan(identity: Asker | undefined): boolean {
    const isOther = (principal: string | undefined): boolean =>
      identity === undefined || principal !== identity.principal;
    for (const { principal } of this.calls.values()) if (isOther(principal)) return true;
    return [...this.principalsOfOlder].some(isOther);
  }

  private forgetOldest(): void {
    const [oldest] = this.calls;
    if (oldest === undefined) return;
    const [id, { principal }] = oldest;
    this.answered(id);
    if (this.principalsOfOlder.size < 2) this.principalsOfOlder.add(principal);
  }
}
