import type { Clock } from '#lib/time';
import { KEPT_MS, stateAt, type Approval, type ApprovalRequest, type Decision, type StoredState } from './approval.js';
import { TooManyApprovals } from './approvals.errors.js';

/** Maximum number of approvals of an installation, with those that are kept after their end. */
export const MAX_APPROVALS = 1_000;
/** Maximum number of open approvals of one principal. */
export const MAX_APPROVALS_OF_PRINCIPAL = 50;

/** Keeps approvals for all workers. Methods of a shared store reject with CoordinationUnavailable. */
export abstract class ApprovalStore {
  /**
   * Returns the open approval of the same call, or else stores this one as pending and returns it.
   * @throws TooManyApprovals
   */
  abstract open(request: ApprovalRequest): Promise<Approval>;
  /** Returns the approvals with these ids, in their order. Undefined for one that is not kept any more. */
  abstract find(ids: readonly string[]): Promise<readonly (Approval | undefined)[]>;
  /** Returns all approvals that are kept, in any order. */
  abstract list(): Promise<readonly Approval[]>;
  /** Changes the state, unless it has changed since the approval was read. Returns whether it did. */
  abstract change(approval: Approval, to: StoredState, decision?: Decision): Promise<boolean>;
}

/** Whether a call with the same binding shares the approval instead of asking again. */
export function isOpen(approval: Approval, now: number): boolean {
  const state = stateAt(approval, now);
  return state === 'pending' || state === 'approved';
}

/** For a single worker. */
export class MemoryApprovalStore extends ApprovalStore {
  private readonly approvals = new Map<string, Approval>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override async open(request: ApprovalRequest): Promise<Approval> {
    const open = this.forgetAndReadOpen();
    const same = open.find(({ call }) => call === request.call);
    if (same) return same;
    if (this.approvals.size >= MAX_APPROVALS) throw new TooManyApprovals('installation', MAX_APPROVALS);
    const { issuer, subject } = request.principal;
    const own = open.filter(({ principal }) => principal.issuer === issuer && principal.subject === subject);
    if (own.length >= MAX_APPROVALS_OF_PRINCIPAL) throw new TooManyApprovals('principal', MAX_APPROVALS_OF_PRINCIPAL);
    const approval = { ...request, state: 'pending' } as const;
    this.approvals.set(request.id, approval);
    return approval;
  }

  override async find(ids: readonly string[]): Promise<readonly (Approval | undefined)[]> {
    return ids.map((id) => this.approvals.get(id));
  }

  override async list(): Promise<readonly Approval[]> {
    this.forgetAndReadOpen();
    return [...this.approvals.values()];
  }

  override async change({ id, state }: Approval, to: StoredState, decision?: Decision): Promise<boolean> {
    const current = this.approvals.get(id);
    if (!current || current.state !== state) return false;
    this.approvals.set(id, { ...current, state: to, ...(decision && { decision }) });
    return true;
  }

  private forgetAndReadOpen(): readonly Approval[] {
    const now = this.clock.now();
    for (const [id, { expiresAt }] of this.approvals) if (now >= expiresAt + KEPT_MS) this.approvals.delete(id);
    return [...this.approvals.values()].filter((approval) => isOpen(approval, now));
  }
}
