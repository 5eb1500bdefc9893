import type { Deadlines, Expiring } from '../channels/deadlines.js';
import type { Asker } from '../upstream-connection.js';

/** Calls that are remembered one by one. Of older ones it is only known whose they are. */
const MAX_REMEMBERED = 1_024;

interface WithdrawnCall extends Expiring {
  readonly principal: string | undefined;
}

/** What all calls of one connection share. */
interface Surroundings {
  readonly deadlines: Deadlines;
  readonly requestMs: number;
}

/**
 * Calls that were given up after they were sent. Few servers answer a cancelled request (basic/utilities/cancellation:
 * they should not), and many go on working, so what they say on a channel that names no call may be about one of these.
 * Only the answer shows that a server is done.
 */
export class WithdrawnCalls {
  private readonly calls = new Map<number, WithdrawnCall>();
  /** Two are as good as all: whoever asks is another one than one of them. */
  private readonly principalsOfOlder = new Set<string | undefined>();

  constructor(private readonly surroundings: Surroundings) {}

  /** `isQuiet`: by the protocol the server says nothing of its own accord about this call; that is trusted in the end. */
  add(id: number, asker: Asker | undefined, isQuiet = false): void {
    const call = { principal: asker?.principal, expiresAt: 0, expire: () => void this.calls.delete(id) };
    this.calls.set(id, call);
    if (isQuiet) this.surroundings.deadlines.add(call, this.surroundings.requestMs);
    else if (this.calls.size > MAX_REMEMBERED) this.forgetOldest();
  }

  /** The server has answered after all, and is done with the call. */
  answered(id: number): void {
    const call = this.calls.get(id);
    if (call === undefined) return;
    this.calls.delete(id);
    this.surroundings.deadlines.remove(call, this.surroundings.requestMs);
  }

  /** True when what the server says may be about the call of another principal than this one's. */
  mayConcernOthersThan(asker: Asker | undefined): boolean {
    const isOther = (principal: string | undefined): boolean => asker === undefined || principal !== asker.principal;
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
