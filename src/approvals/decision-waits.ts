import type { Clock } from '#lib/time';
import type { Approval } from './approval.js';
import type { ApprovalStore } from './approval-store.js';

/** How often a worker reads the approvals that its calls wait for, in milliseconds. Another worker may have received a decision. */
const POLL_INTERVAL_MS = 1_000;

type Listener = (approval: Approval | undefined) => void;

/** The calls of this worker that wait for decisions. Costs nothing while none waits. */
export class DecisionWaits {
  private readonly listeners = new Map<string, Set<Listener>>();
  private stopPolling: (() => void) | undefined;
  private isPolling = false;

  constructor(
    private readonly store: ApprovalStore,
    private readonly clock: Clock,
  ) {}

  /** Resolves with the approval once it is decided, the time is over or the signal is aborted; undefined when it is lost. */
  async wait(approval: Approval, waitMs: number, signal: AbortSignal): Promise<Approval | undefined> {
    if (approval.state !== 'pending' || waitMs <= 0) return approval;
    const decided = await this.listen(approval.id, waitMs, signal);
    if (decided !== 'nothing') return decided;
    // A decision of the last second may not have been read yet.
    const [last] = await this.store.find([approval.id]).catch(() => [approval]);
    return last;
  }

  /** Ends the waits for an approval that was decided at this worker. */
  settle(approval: Approval): void {
    this.notify(approval.id, approval);
  }

  close(): void {
    this.stopPolling?.();
    this.stopPolling = undefined;
  }

  private listen(id: string, waitMs: number, signal: AbortSignal): Promise<Approval | undefined | 'nothing'> {
    return new Promise((resolve) => {
      const finish = (found: Approval | undefined | 'nothing') => {
        cancelTimer();
        signal.removeEventListener('abort', leave);
        this.remove(id, listener);
        resolve(found);
      };
      const leave = () => finish('nothing');
      const listener: Listener = finish;
      const cancelTimer = this.clock.after(waitMs, leave);
      signal.addEventListener('abort', leave, { once: true });
      this.listeners.set(id, (this.listeners.get(id) ?? new Set()).add(listener));
      this.stopPolling ??= this.clock.every(POLL_INTERVAL_MS, () => void this.poll());
      if (signal.aborted) leave();
    });
  }

  private remove(id: string, listener: Listener): void {
    const listeners = this.listeners.get(id);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.listeners.delete(id);
    if (this.listeners.size === 0) this.close();
  }

  private async poll(): Promise<void> {
    if (this.isPolling) return;
    this.isPolling = true;
    const ids = [...this.listeners.keys()];
    try {
      const found = await this.store.find(ids);
      found.forEach((approval, index) => {
        if (approval?.state !== 'pending') this.notify(ids[index] ?? '', approval);
      });
    } catch {
      // While Redis is unavailable nobody can decide; the next poll reads again.
    } finally {
      this.isPolling = false;
    }
  }

  private notify(id: string, approval: Approval | undefined): void {
    for (const listener of this.listeners.get(id) ?? []) listener(approval);
  }
}
