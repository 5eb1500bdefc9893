import { randomBytes } from 'node:crypto';
import { SystemClock, type Clock } from '#lib/time';
import {
  type Address,
  type AnnounceReply,
  type ClaimVerdict,
  type Mailbox,
  type Relay,
  type RevokeVerdict,
  type Ticket,
  type WorkerPresence,
} from '../ports/index.js';
import { DECISION_RETENTION_MS, TOMBSTONE_TTL_MS } from './lifetimes.js';

interface Decision {
  readonly verdict: 'claimed' | 'revoked';
  readonly forgetAt: number;
}

/**
 * A relay within one process: for a gateway with one worker, and for tests, where several workers share an instance. It
 * never fails and never breaks. Frames are not copied: the publisher must not change a frame afterwards.
 */
export class MemoryRelay implements Relay {
  private readonly generation = randomBytes(16).toString('base64url');
  private readonly mailboxes = new Map<string, Mailbox>();
  private readonly decisions = new Map<string, Decision>();
  /** Expiry of the announcement of each worker. */
  private readonly announced = new Map<string, number>();
  /** Expiry of the tombstone of each worker. */
  private readonly tombstones = new Map<string, number>();

  constructor(private readonly timer: Clock = new SystemClock()) {}

  listen(worker: string, mailbox: Mailbox): Promise<void> {
    this.mailboxes.set(worker, mailbox);
    return Promise.resolve();
  }

  publish(to: Address, frame: Buffer): Promise<number> {
    const mailbox = this.mailboxes.get(to.worker);
    if (mailbox === undefined) return Promise.resolve(0);
    // Asynchronously, as over a network: a publisher is never called back within its own call.
    queueMicrotask(() => (to.box === 'inbox' ? mailbox.request(frame) : mailbox.reply(frame)));
    return Promise.resolve(1);
  }

  onBroken(): () => void {
    return () => undefined;
  }

  async claim(ticket: Ticket, accept: Buffer): Promise<ClaimVerdict> {
    if (ticket.generation !== this.generation) return 'stale';
    const decided = this.readDecision(ticket);
    if (decided !== undefined) return decided === 'claimed' ? 'taken' : 'revoked';
    if (this.now() >= ticket.notAfter) return 'late';
    this.decide(ticket, 'claimed');
    await this.publish({ worker: ticket.requester, box: 'replies' }, accept);
    return 'claimed';
  }

  revoke(ticket: Ticket): Promise<RevokeVerdict> {
    // The decision may have expired: whether the request ran can no longer be known.
    if (ticket.generation !== this.generation || this.now() >= ticket.notAfter + DECISION_RETENTION_MS) {
      return Promise.resolve('stale');
    }
    const decided = this.readDecision(ticket);
    if (decided === undefined) this.decide(ticket, 'revoked');
    return Promise.resolve(decided ?? 'revoked');
  }

  announce(worker: string, ttlMs: number): Promise<AnnounceReply> {
    const fenced = this.isFenced(worker);
    if (!fenced) this.announced.set(worker, this.now() + ttlMs);
    return Promise.resolve({ generation: this.generation, now: this.now(), fenced });
  }

  aliveWorkers(): Promise<readonly string[]> {
    for (const [worker, until] of this.announced) if (until <= this.now()) this.announced.delete(worker);
    return Promise.resolve([...this.announced.keys()]);
  }

  presenceOf(worker: string): Promise<WorkerPresence> {
    if (this.isFenced(worker)) return Promise.resolve('fenced');
    return Promise.resolve(this.isAnnounced(worker) ? 'alive' : 'missing');
  }

  fence(worker: string): Promise<boolean> {
    if (!this.isAnnounced(worker)) this.addTombstone(worker);
    return Promise.resolve(this.isFenced(worker));
  }

  leave(worker: string): Promise<void> {
    this.addTombstone(worker);
    return Promise.resolve();
  }

  private now(): number {
    return Math.floor(this.timer.monotonicNow());
  }

  private isAnnounced(worker: string): boolean {
    return (this.announced.get(worker) ?? -Infinity) > this.now();
  }

  private isFenced(worker: string): boolean {
    return (this.tombstones.get(worker) ?? -Infinity) > this.now();
  }

  private addTombstone(worker: string): void {
    this.announced.delete(worker);
    removeExpired(this.tombstones, (until) => until <= this.now());
    if (!this.isFenced(worker)) this.tombstones.set(worker, this.now() + TOMBSTONE_TTL_MS);
  }

  private readDecision({ requester, request }: Ticket): Decision['verdict'] | undefined {
    removeExpired(this.decisions, ({ forgetAt }) => forgetAt <= this.now());
    return this.decisions.get(`${requester}:${request}`)?.verdict;
  }

  private decide({ requester, request, notAfter }: Ticket, verdict: Decision['verdict']): void {
    this.decisions.set(`${requester}:${request}`, { verdict, forgetAt: notAfter + DECISION_RETENTION_MS });
  }
}

/**
 * Removes expired entries, oldest first. An entry that was added later and expires earlier waits for those before it.
 */
function removeExpired<T>(entries: Map<string, T>, isExpired: (entry: T) => boolean): void {
  for (const [name, entry] of entries) {
    if (!isExpired(entry)) return;
    entries.delete(name);
  }
}
