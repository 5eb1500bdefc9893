import { mayHaveSucceeded } from '../retry.js';
import type { AnnounceReply, Mailbox } from '../ports/index.js';
import {
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_RETRY_INTERVAL_MS,
  MAX_ANNOUNCE_GAP_MS,
  CLAIM_WINDOW_MS,
  LIST_TTL_MS,
  PRESENCE_TTL_MS,
  SETTLE_PERIOD_MS,
} from '../protocol.js';
import { Listeners } from './listeners.js';
import type { MembershipParts } from './membership-parts.js';
import { OwnLiveness } from './own-liveness.js';
import { SubscriptionProof } from './subscription-proof.js';
import { WorkerStatusLookup, type WorkerStatus } from './worker-status.js';

interface RelayContact {
  readonly generation: string;
  /** Start of the uninterrupted contact under this generation, by the local timer. */
  readonly since: number;
  /** Clock of the relay when the local timer showed `at`. */
  readonly relayNow: number;
  readonly at: number;
}

/**
 * Membership of this worker: announces it each second, proves its subscription, and tracks which other workers are
 * alive. While any of that fails, the worker is unavailable and retries every `HEARTBEAT_RETRY_INTERVAL_MS`.
 */
export class Membership {
  private readonly proof: SubscriptionProof;
  private readonly statusLookup: WorkerStatusLookup;
  private readonly ownLiveness: OwnLiveness;
  private readonly deadListeners = new Listeners<string>();
  private readonly changeListeners = new Listeners<void>();
  private readonly fencedListeners = new Listeners<void>();
  private readonly watched = new Map<string, { watchers: number; readonly listsBefore: number }>();
  private listsRequested = 0;
  private contact: RelayContact | undefined;
  /** The last list of the relay. */
  private listed: ReadonlySet<string> = new Set();
  /** The last list, and the workers whose absence from it is not conclusive yet. */
  private known: ReadonlySet<string> = new Set();
  private listedAt = -Infinity;
  private isAnnounced = false;
  /** Number of consecutive heartbeats that failed. */
  private misses = 0;
  private wasReady = false;
  private readonly readyListeners: (() => void)[] = [];
  private isStopped = true;
  private heartbeat: Promise<void> | undefined;
  private cancelHeartbeat = (): void => {};

  constructor(
    private readonly parts: MembershipParts,
    mailbox: Mailbox,
  ) {
    this.proof = new SubscriptionProof(parts, mailbox, () => this.reportAvailability());
    this.ownLiveness = new OwnLiveness(parts.timer, () => this.announce());
    this.statusLookup = new WorkerStatusLookup(parts.directory, () => this.announce().then(() => this.isSettled()));
  }

  /** Resolves after the first attempt, successful or not. */
  async start(): Promise<void> {
    this.isStopped = false;
    await this.sendHeartbeat();
  }

  /** Resolves once the worker is ready, or after `timeoutMs`. */
  whenReady(timeoutMs: number): Promise<void> {
    if (this.state === 'ready') return Promise.resolve();
    return new Promise((resolve) => {
      const cancelTimeout = this.parts.timer.after(timeoutMs, resolve);
      this.readyListeners.push(() => {
        cancelTimeout();
        resolve();
      });
    });
  }

  /** Stops all activity. The announcement expires by itself; see `leave`. */
  stop(): void {
    this.isStopped = true;
    this.cancelHeartbeat();
    // An intended stop is not reported as lost availability.
    this.wasReady = false;
    this.proof.invalidate();
  }

  /** `ready` while the worker receives its frames and is announced at the relay. */
  get state(): 'ready' | 'unavailable' {
    return this.isAnnounced && this.proof.isProven && !this.isStopped ? 'ready' : 'unavailable';
  }

  /** Terms of the ticket for a request that is sent now; undefined before the first reply of the relay. */
  ticketTerms(): { readonly generation: string; readonly notAfter: number } | undefined {
    if (!this.contact) return undefined;
    const { generation, relayNow, at } = this.contact;
    return { generation, notAfter: Math.floor(relayNow + (this.parts.timer.monotonicNow() - at)) + CLAIM_WINDOW_MS };
  }

  /** True if the list of alive workers contains the worker and is at most `LIST_TTL_MS` old. */
  isAlive(worker: string): boolean {
    return this.listed.has(worker) && this.parts.timer.monotonicNow() - this.listedAt <= LIST_TTL_MS;
  }

  /** Returns the workers that are not known to be dead, this one included. `onChange` reports changes. */
  aliveWorkers(): readonly string[] {
    return [...this.known];
  }

  /** Reads the list of alive workers now. Rejects with RelayFailure. */
  refresh(): Promise<void> {
    return this.readList();
  }

  /** Reads from the relay whether the worker is fenced. Rejects with RelayFailure. */
  async isFenced(worker: string): Promise<boolean> {
    return (await this.parts.directory.presenceOf(worker)) === 'fenced';
  }

  /**
   * Returns the status of a worker. `dead` is final: the worker has left or is fenced; if necessary, this call fences
   * it. `unknown`: it is not announced, and the relay has not been up for long enough to conclude anything from that.
   *
   * @throws RelayFailure if the relay cannot be reached
   */
  async status(worker: string): Promise<WorkerStatus> {
    if (worker === this.parts.workerId) return this.isSelfFenced ? 'dead' : 'alive';
    return this.isAlive(worker) ? 'alive' : this.statusLookup.lookUp(worker);
  }

  /**
   * Returns false once this worker is fenced. After a suspension (SIGSTOP, a suspended machine) the worker may have
   * been declared dead, so it queries the relay first; only then this method returns a promise.
   */
  checkOwnLiveness(): boolean | Promise<boolean> {
    return this.ownLiveness.check();
  }

  /** Whether this worker knows that it is fenced, without querying the relay. */
  get isSelfFenced(): boolean {
    return this.ownLiveness.isFenced;
  }

  /** Reports each worker that disappears from the list; a watched one after each list that lacks it. */
  onWorkerDead(listener: (worker: string) => void): () => void {
    return this.deadListeners.add(listener);
  }

  /** Reports changes of `aliveWorkers`. */
  onChange(listener: () => void): () => void {
    return this.changeListeners.add(listener);
  }

  /** Reports once that this worker has been declared dead. */
  onFenced(listener: () => void): () => void {
    return this.fencedListeners.add(listener);
  }

  /** Makes `onWorkerDead` report this worker even if it was never listed. Returns a function that ends the watch. */
  watch(worker: string): () => void {
    const watch = this.watched.get(worker) ?? { watchers: 0, listsBefore: this.listsRequested };
    this.watched.set(worker, watch);
    watch.watchers += 1;
    return () => {
      watch.watchers -= 1;
      if (watch.watchers === 0) this.watched.delete(worker);
    };
  }

  /** Declares this worker dead, which is final. Rejects with RelayFailure. */
  async leave(): Promise<void> {
    await this.heartbeat;
    this.stop();
    await this.parts.directory.leave(this.parts.workerId);
  }

  /** Receives a canary that this worker sent to itself. */
  receiveCanary(canary: string): void {
    this.proof.receiveCanary(canary);
  }

  /** Frames may have been lost: the worker is unavailable until the next proof. */
  onRelayBroken(): void {
    this.isAnnounced = false;
    this.proof.invalidate();
    this.reportAvailability();
    if (!this.isStopped) this.scheduleHeartbeat(0);
  }

  /** Runs one heartbeat at a time; concurrent calls share it. */
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
    const announcing = this.parts.directory.announce(this.parts.workerId, PRESENCE_TTL_MS);
    const isNewlyFenced = await this.ownLiveness.follow(announcing);
    this.applyReply(await announcing);
    if (isNewlyFenced) this.fencedListeners.notify();
  }

  private applyReply({ generation, now }: AnnounceReply): void {
    const at = this.parts.timer.monotonicNow();
    const { contact: relation } = this;
    // The outage of this worker may have hit others too, whose announcements have expired because of it.
    const isContinuous = relation?.generation === generation && at - relation.at <= MAX_ANNOUNCE_GAP_MS;
    const since = isContinuous ? relation.since : at;
    this.contact = { generation, since, relayNow: now, at };
    this.isAnnounced = true;
  }

  /** A single late reply is not an outage: the relay, or this process, may have been busy. */
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
    this.listedAt = this.parts.timer.monotonicNow();
    // A relay that has just restarted lists no worker, however many are alive.
    const isSettled = this.isSettled();
    const known = isSettled ? listed : new Set([...before, ...listed]);
    this.known = known;
    if (known.size !== before.size || [...known].some((worker) => !before.has(worker))) this.changeListeners.notify();
    if (!isSettled) return;
    for (const worker of new Set([...before, ...this.watchedBefore(list)])) {
      if (!listed.has(worker)) this.deadListeners.notify(worker);
    }
  }

  /** Excludes workers watched since this list was requested: the list may be older than such a worker. */
  private watchedBefore(list: number): string[] {
    return [...this.watched].flatMap(([worker, { listsBefore }]) => (listsBefore < list ? [worker] : []));
  }

  private isSettled(): boolean {
    return this.contact !== undefined && this.parts.timer.monotonicNow() - this.contact.since > SETTLE_PERIOD_MS;
  }

  private reportAvailability(): void {
    const isReady = this.state === 'ready';
    if (isReady === this.wasReady) return;
    this.wasReady = isReady;
    this.parts.observer.availability(isReady);
    if (isReady) for (const listener of this.readyListeners.splice(0)) listener();
  }
}
