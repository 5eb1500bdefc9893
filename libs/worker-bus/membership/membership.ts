import { mayHaveSucceeded } from '../retry.js';
import type { AnnounceReply, Mailbox } from '../ports/index.js';
import {
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_RETRY_INTERVAL_MS,
  MAX_ANNOUNCE_GAP_MS,
  CLAIM_WINDOW_MS,
  LIST_TTL_MS,
  PRESENCE_TTL_MS,
  OWN_LIVENESS_TTL_MS,
  SETTLE_PERIOD_MS,
} from '../protocol.js';
import { Listeners } from './listeners.js';
import type { MembershipParts } from './membership-parts.js';
import { SubscriptionProof } from './subscription-proof.js';
import { WorkerStatusLookup, type WorkerStatus } from './worker-status.js';

interface RelayContact {
  readonly generation: string;
  /** Since when this generation has been seen without a break, by our timer. */
  readonly since: number;
  /** The relay's clock, when our timer stood at `at`. */
  readonly relayNow: number;
  readonly at: number;
}

/**
 * This worker among the others: says each second that it lives, proves that it hears, and knows who else lives.
 * While any of that fails it is unavailable, and tries again every `HEARTBEAT_RETRY_INTERVAL_MS`.
 */
export class Membership {
  private readonly proof: SubscriptionProof;
  private readonly statusLookup: WorkerStatusLookup;
  private readonly deadListeners = new Listeners<string>();
  private readonly changeListeners = new Listeners<void>();
  private readonly fencedListeners = new Listeners<void>();
  private readonly watched = new Map<string, { watchers: number; readonly listsBefore: number }>();
  private listsRequested = 0;
  private contact: RelayContact | undefined;
  /** As the relay listed it last. */
  private listed: ReadonlySet<string> = new Set();
  /** The same, with those whose absence means nothing yet. */
  private known: ReadonlySet<string> = new Set();
  private listedAt = -Infinity;
  /** When the latest attempt to announce that has ended began: what it told may be as old as that. */
  private attemptedAt = -Infinity;
  private ownLiveness: { readonly at: number; readonly isAlive: Promise<boolean> } | undefined;
  private isAnnounced = false;
  /** Beats in a row that failed. */
  private misses = 0;
  private wasReady = false;
  private readonly readyListeners: (() => void)[] = [];
  private selfFenced = false;
  private isStopped = true;
  private heartbeat: Promise<void> | undefined;
  private cancelHeartbeat = (): void => {};

  constructor(
    private readonly parts: MembershipParts,
    mailbox: Mailbox,
  ) {
    this.proof = new SubscriptionProof(parts, mailbox, () => this.reportAvailability());
    this.statusLookup = new WorkerStatusLookup(parts.directory, () => this.announce().then(() => this.isSettled()));
  }

  /** Resolves after the first attempt, whatever came of it. */
  async start(): Promise<void> {
    this.isStopped = false;
    await this.sendHeartbeat();
  }

  /** Resolves once the worker is ready; after so many ms in any case. */
  whenReady(patienceMs: number): Promise<void> {
    if (this.state === 'ready') return Promise.resolve();
    return new Promise((resolve) => {
      const giveUp = this.parts.timer.after(patienceMs, resolve);
      this.readyListeners.push(() => {
        giveUp();
        resolve();
      });
    });
  }

  /** Does nothing any more. The announcement runs out by itself; see `leave`. */
  stop(): void {
    this.isStopped = true;
    this.cancelHeartbeat();
    // Nobody is to be warned of what was asked for.
    this.wasReady = false;
    this.proof.invalidate();
  }

  /** `ready` while the worker hears what is sent to it, and the relay knows it. */
  get state(): 'ready' | 'unavailable' {
    return this.isAnnounced && this.proof.isProven && !this.isStopped ? 'ready' : 'unavailable';
  }

  /** What a request that is sent now is decided by; undefined while the relay has not been met. */
  ticketTerms(): { readonly generation: string; readonly notAfter: number } | undefined {
    if (!this.contact) return undefined;
    const { generation, relayNow, at } = this.contact;
    return { generation, notAfter: Math.floor(relayNow + (this.parts.timer.now() - at)) + CLAIM_WINDOW_MS };
  }

  /** True for a worker that the list of the living names; the list is as old as `LIST_TTL_MS` at most. */
  isAlive(worker: string): boolean {
    return this.listed.has(worker) && this.parts.timer.now() - this.listedAt <= LIST_TTL_MS;
  }

  /** The workers that are not known to be gone, this one included. What changes it is told by `onChange`. */
  aliveWorkers(): readonly string[] {
    return [...this.known];
  }

  /** Reads the list of the living now. Rejects with RelayFailure. */
  refresh(): Promise<void> {
    return this.readList();
  }

  /** Whether the relay knows by now that the worker was declared gone. Rejects with RelayFailure. */
  async isFenced(worker: string): Promise<boolean> {
    return (await this.parts.directory.presenceOf(worker)) === 'fenced';
  }

  /**
   * Where a worker is. `gone` is for good: it has left, or has been declared gone, if need be by this very question.
   * `unsure`: it is not announced, and the relay has not been up for long enough to conclude anything from that.
   *
   * @throws RelayFailure when the relay cannot be asked
   */
  async status(worker: string): Promise<WorkerStatus> {
    if (worker === this.parts.workerId) return this.selfFenced ? 'dead' : 'alive';
    return this.isAlive(worker) ? 'alive' : this.statusLookup.lookUp(worker);
  }

  /**
   * False once this worker has been declared gone. A worker that was stopped for a while (SIGSTOP, a suspended
   * machine) asks the relay first, because it may have been declared gone meanwhile; only then a promise is returned.
   */
  checkOwnLiveness(): boolean | Promise<boolean> {
    const now = this.parts.timer.now();
    if (this.selfFenced || now - this.attemptedAt <= OWN_LIVENESS_TTL_MS) return !this.selfFenced;
    // An answer to what was asked before the stop tells nothing of the time since.
    if (this.ownLiveness && now - this.ownLiveness.at <= OWN_LIVENESS_TTL_MS) return this.ownLiveness.isAlive;
    const told = (): boolean => !this.selfFenced;
    this.ownLiveness = { at: now, isAlive: this.announce().then(told, told) };
    return this.ownLiveness.isAlive;
  }

  /** Whether this worker has been declared gone, as far as it knows without asking. */
  get isSelfFenced(): boolean {
    return this.selfFenced;
  }

  /** Tells of workers that the list names no more; of a watched one each time that the list is read. */
  onWorkerDead(listener: (worker: string) => void): () => void {
    return this.deadListeners.add(listener);
  }

  /** Tells that `livingWorkers` changed. */
  onChange(listener: () => void): () => void {
    return this.changeListeners.add(listener);
  }

  /** Tells once that this worker has been declared gone. */
  onFenced(listener: () => void): () => void {
    return this.fencedListeners.add(listener);
  }

  /** Has `onGone` tell of this worker even if it was never seen alive. Returns how to take that back. */
  watch(worker: string): () => void {
    const watch = this.watched.get(worker) ?? { watchers: 0, listsBefore: this.listsRequested };
    this.watched.set(worker, watch);
    watch.watchers += 1;
    return () => {
      watch.watchers -= 1;
      if (watch.watchers === 0) this.watched.delete(worker);
    };
  }

  /** Takes leave: from now on this worker counts as gone, for good. Rejects with RelayFailure. */
  async leave(): Promise<void> {
    await this.heartbeat;
    this.stop();
    await this.parts.directory.leave(this.parts.workerId);
  }

  /** Takes a canary that came back. */
  receiveCanary(canary: string): void {
    this.proof.receiveCanary(canary);
  }

  /** Frames may have been missed: nothing is known any more, until it is proven anew. */
  onRelayBroken(): void {
    this.isAnnounced = false;
    this.proof.invalidate();
    this.reportAvailability();
    if (!this.isStopped) this.scheduleHeartbeat(0);
  }

  /** One beat at a time; whoever asks meanwhile waits for that one. */
  private sendHeartbeat(): Promise<void> {
    this.cancelHeartbeat();
    this.heartbeat ??= this.runHeartbeat().finally(() => {
      this.heartbeat = undefined;
      if (!this.isStopped)
        this.scheduleHeartbeat(
          this.state === 'ready' && this.misses === 0 ? HEARTBEAT_INTERVAL_MS : HEARTBEAT_RETRY_INTERVAL_MS,
        );
    });
    return this.heartbeat;
  }

  private scheduleHeartbeat(ms: number): void {
    this.cancelHeartbeat();
    this.cancelHeartbeat = this.parts.timer.after(ms, () => void this.sendHeartbeat());
  }

  private async runHeartbeat(): Promise<void> {
    const proven = this.proof.renew();
    const listed = this.announce()
      .then(() => this.readList())
      .then(
        () => (this.misses = 0),
        (error: unknown) => this.recordMiss(error),
      );
    await Promise.all([proven, listed]);
    this.reportAvailability();
  }

  private async announce(): Promise<void> {
    const begun = this.parts.timer.now();
    try {
      this.applyReply(await this.parts.directory.announce(this.parts.workerId, PRESENCE_TTL_MS));
    } finally {
      this.attemptedAt = Math.max(this.attemptedAt, begun);
    }
  }

  private applyReply({ generation, now, fenced }: AnnounceReply): void {
    const at = this.parts.timer.now();
    const { contact: relation } = this;
    // What kept this worker from the relay may have kept others from it, whose announcements are over therefore.
    const isContinuous = relation?.generation === generation && at - relation.at <= MAX_ANNOUNCE_GAP_MS;
    const since = isContinuous ? relation.since : at;
    this.contact = { generation, since, relayNow: now, at };
    this.isAnnounced = true;
    if (!fenced || this.selfFenced) return;
    this.selfFenced = true;
    this.fencedListeners.notify();
  }

  /** One answer that is late is no outage: a busy relay, or this process itself, may have been slow. */
  private recordMiss(error: unknown): void {
    this.misses += 1;
    if (this.misses === 1 && mayHaveSucceeded(error)) return;
    this.isAnnounced = false;
    this.reportAvailability();
  }

  private async readList(): Promise<void> {
    const before = this.known;
    this.listsRequested += 1;
    const list = this.listsRequested;
    const listed = new Set(await this.parts.directory.aliveWorkers());
    this.listed = listed;
    this.listedAt = this.parts.timer.now();
    // A relay that has just begun anew knows nobody, however alive they are.
    const isSettled = this.isSettled();
    const known = isSettled ? listed : new Set([...before, ...listed]);
    this.known = known;
    if (known.size !== before.size || [...known].some((worker) => !before.has(worker))) this.changeListeners.notify();
    if (!isSettled) return;
    for (const worker of new Set([...before, ...this.watchedBefore(list)])) {
      if (!listed.has(worker)) this.deadListeners.notify(worker);
    }
  }

  /** A list that was asked for earlier may be older than a worker that is new. */
  private watchedBefore(list: number): string[] {
    return [...this.watched].flatMap(([worker, { listsBefore }]) => (listsBefore < list ? [worker] : []));
  }

  private isSettled(): boolean {
    return this.contact !== undefined && this.parts.timer.now() - this.contact.since > SETTLE_PERIOD_MS;
  }

  private reportAvailability(): void {
    const isReady = this.state === 'ready';
    if (isReady === this.wasReady) return;
    this.wasReady = isReady;
    this.parts.observer.availability(isReady);
    if (isReady) for (const listener of this.readyListeners.splice(0)) listener();
  }
}
