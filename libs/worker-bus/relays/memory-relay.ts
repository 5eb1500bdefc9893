import { randomBytes } from 'node:crypto';
import { SystemClock, type Clock } from '#lib/time';
import {
  type Address,
  type Announced,
  type ClaimVerdict,
  type Mailbox,
  type Relay,
  type RevokeVerdict,
  type Ticket,
  type WorkerState,
} from '../ports/index.js';
import { DECISION_KEPT_MS, TOMBSTONE_MS } from './lifetimes.js';

interface Decision {
  readonly verdict: 'claimed' | 'revoked';
  readonly forgetAt: number;
}

/**
 * A relay within one process: for a gateway of one worker, and for tests, where several workers share an instance. It
 * never fails and never breaks. A frame is not copied: whoever publishes it must not change it afterwards.
 */
export class MemoryRelay implements Relay {
  private readonly generation = randomBytes(16).toString('base64url');
  private readonly mailboxes = new Map<string, Mailbox>();
  private readonly decisions = new Map<string, Decision>();
  /** Until when each worker counts as alive. */
  private readonly announced = new Map<string, number>();
  /** Until when each worker stays declared gone. */
  private readonly tombstones = new Map<string, number>();

  constructor(private readonly timer: Clock = new SystemClock()) {}

  listen(worker: string, mailbox: Mailbox): Promise<void> {
    this.mailboxes.set(worker, mailbox);
    return Promise.resolve();
  }

  publish(to: Address, frame: Buffer): Promise<number> {
    const mailbox = this.mailboxes.get(to.worker);
    if (mailbox === undefined) return Promise.resolve(0);
    // Later, as over a network: no one is called back from within a call of his own.
    queueMicrotask(() => (to.box === 'inbox' ? mailbox.request(frame) : mailbox.reply(frame)));
    return Promise.resolve(1);
  }

  onBroken(): () => void {
    return () => undefined;
  }

  async claim(ticket: Ticket, accept: Buffer): Promise<ClaimVerdict> {
    if (ticket.generation !== this.generation) return 'stale';
    const decided = this.decisionOn(ticket);
    if (decided !== undefined) return decided === 'claimed' ? 'taken' : 'revoked';
    if (this.now() >= ticket.notAfter) return 'late';
    this.decide(ticket, 'claimed');
    await this.publish({ worker: ticket.requester, box: 'replies' }, accept);
    return 'claimed';
  }

  revoke(ticket: Ticket): Promise<RevokeVerdict> {
    // What was decided may be forgotten by now: that it did not run can no longer be said.
    if (ticket.generation !== this.generation || this.now() >= ticket.notAfter + DECISION_KEPT_MS) {
      return Promise.resolve('stale');
    }
    const decided = this.decisionOn(ticket);
    if (decided === undefined) this.decide(ticket, 'revoked');
    return Promise.resolve(decided ?? 'revoked');
  }

  announce(worker: string, ttlMs: number): Promise<Announced> {
    const buried = this.isBuried(worker);
    if (!buried) this.announced.set(worker, this.now() + ttlMs);
    return Promise.resolve({ generation: this.generation, now: this.now(), buried });
  }

  living(): Promise<readonly string[]> {
    for (const [worker, until] of this.announced) if (until <= this.now()) this.announced.delete(worker);
    return Promise.resolve([...this.announced.keys()]);
  }

  stateOf(worker: string): Promise<WorkerState> {
    if (this.isBuried(worker)) return Promise.resolve('buried');
    return Promise.resolve(this.isAnnounced(worker) ? 'alive' : 'missing');
  }

  bury(worker: string): Promise<boolean> {
    if (!this.isAnnounced(worker)) this.buryAnyway(worker);
    return Promise.resolve(this.isBuried(worker));
  }

  leave(worker: string): Promise<void> {
    this.buryAnyway(worker);
    return Promise.resolve();
  }

  private now(): number {
    return Math.floor(this.timer.monotonicNow());
  }

  private isAnnounced(worker: string): boolean {
    return (this.announced.get(worker) ?? -Infinity) > this.now();
  }

  private isBuried(worker: string): boolean {
    return (this.tombstones.get(worker) ?? -Infinity) > this.now();
  }

  private buryAnyway(worker: string): void {
    this.announced.delete(worker);
    forget(this.tombstones, (until) => until <= this.now());
    if (!this.isBuried(worker)) this.tombstones.set(worker, this.now() + TOMBSTONE_MS);
  }

  private decisionOn({ requester, request }: Ticket): Decision['verdict'] | undefined {
    forget(this.decisions, ({ forgetAt }) => forgetAt <= this.now());
    return this.decisions.get(`${requester}:${request}`)?.verdict;
  }

  private decide({ requester, request, notAfter }: Ticket, verdict: Decision['verdict']): void {
    this.decisions.set(`${requester}:${request}`, { verdict, forgetAt: notAfter + DECISION_KEPT_MS });
  }
}

/** Removes what is over, oldest first. What came later and ends sooner waits for those before it. */
function forget<T>(entries: Map<string, T>, isOver: (entry: T) => boolean): void {
  for (const [name, entry] of entries) {
    if (!isOver(entry)) return;
    entries.delete(name);
  }
}
