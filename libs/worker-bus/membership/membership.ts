import { mayHaveWorked } from '../persist.js';
import type { Announced, Mailbox } from '../ports/index.js';
import {
  BEAT_MS,
  BEAT_PAUSE_MS,
  BLIND_MS,
  CLAIM_WINDOW_MS,
  LIST_FRESH_MS,
  PRESENCE_TTL_MS,
  PULSE_MS,
  SETTLED_MS,
} from '../protocol.js';
import { Listeners } from './listeners.js';
import type { MembershipParts } from './membership-parts.js';
import { SubscriptionProof } from './subscription-proof.js';
import { Whereabouts, type Whereabout } from './whereabouts.js';

interface Relation {
  readonly generation: string;
  /** Since when this generation has been seen without a break, by our timer. */
  readonly since: number;
  /** The relay's clock, when our timer stood at `at`. */
  readonly relayNow: number;
  readonly at: number;
}

/**
 * This worker among the others: says each second that it lives, proves that it hears, and knows who else lives.
 * While any of that fails it is unavailable, and tries again every `BEAT_PAUSE_MS`.
 */
export class Membership {
  private readonly proof: SubscriptionProof;
  private readonly whereabouts: Whereabouts;
  private readonly gone = new Listeners<string>();
  private readonly changed = new Listeners<void>();
  private readonly buried = new Listeners<void>();
  private readonly watched = new Map<string, { watchers: number; readonly listsBefore: number }>();
  private listsAsked = 0;
  private relation: Relation | undefined;
  /** As the relay listed it last. */
  private listed: ReadonlySet<string> = new Set();
  /** The same, with those whose absence means nothing yet. */
  private known: ReadonlySet<string> = new Set();
  private listedAt = -Infinity;
  /** When the latest attempt to announce that has ended began: what it told may be as old as that. */
  private attemptedAt = -Infinity;
  private pulse: { readonly at: number; readonly isAlive: Promise<boolean> } | undefined;
  private isAnnounced = false;
  /** Beats in a row that failed. */
  private misses = 0;
  private wasReady = false;
  private readonly readyListeners: (() => void)[] = [];
  private isBuried = false;
  private isStopped = true;
  private beating: Promise<void> | undefined;
  private cancelBeat = (): void => {};

  constructor(
    private readonly parts: MembershipParts,
    mailbox: Mailbox,
  ) {
    this.proof = new SubscriptionProof(parts, mailbox, () => this.tellAvailability());
    this.whereabouts = new Whereabouts(parts.directory, () => this.announce().then(() => this.isSettled()));
  }

  /** Resolves after the first attempt, whatever came of it. */
  async start(): Promise<void> {
    this.isStopped = false;
    await this.beat();
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
    this.cancelBeat();
    // Nobody is to be warned of what was asked for.
    this.wasReady = false;
    this.proof.lose();
  }

  /** `ready` while the worker hears what is sent to it, and the relay knows it. */
  get state(): 'ready' | 'unavailable' {
    return this.isAnnounced && this.proof.isProven && !this.isStopped ? 'ready' : 'unavailable';
  }

  /** What a request that is sent now is decided by; undefined while the relay has not been met. */
  ticketTerms(): { readonly generation: string; readonly notAfter: number } | undefined {
    if (!this.relation) return undefined;
    const { generation, relayNow, at } = this.relation;
    return { generation, notAfter: Math.floor(relayNow + (this.parts.timer.monotonicNow() - at)) + CLAIM_WINDOW_MS };
  }

  /** True for a worker that the list of the living names; the list is as old as `LIST_FRESH_MS` at most. */
  isAlive(worker: string): boolean {
    return this.listed.has(worker) && this.parts.timer.monotonicNow() - this.listedAt <= LIST_FRESH_MS;
  }

  /** The workers that are not known to be gone, this one included. What changes it is told by `onChange`. */
  livingWorkers(): readonly string[] {
    return [...this.known];
  }

  /** Reads the list of the living now. Rejects with RelayFailure. */
  refresh(): Promise<void> {
    return this.list();
  }

  /** Whether the relay knows by now that the worker was declared gone. Rejects with RelayFailure. */
  async isBuriedNow(worker: string): Promise<boolean> {
    return (await this.parts.directory.stateOf(worker)) === 'buried';
  }

  /**
   * Where a worker is. `gone` is for good: it has left, or has been declared gone, if need be by this very question.
   * `unsure`: it is not announced, and the relay has not been up for long enough to conclude anything from that.
   *
   * @throws RelayFailure when the relay cannot be asked
   */
  async whereIs(worker: string): Promise<Whereabout> {
    if (worker === this.parts.me) return this.isBuried ? 'gone' : 'alive';
    return this.isAlive(worker) ? 'alive' : this.whereabouts.ask(worker);
  }

  /**
   * False once this worker has been declared gone. A worker that was stopped for a while (SIGSTOP, a suspended
   * machine) asks the relay first, because it may have been declared gone meanwhile; only then a promise is returned.
   */
  checkPulse(): boolean | Promise<boolean> {
    const now = this.parts.timer.monotonicNow();
    if (this.isBuried || now - this.attemptedAt <= PULSE_MS) return !this.isBuried;
    // An answer to what was asked before the stop tells nothing of the time since.
    if (this.pulse && now - this.pulse.at <= PULSE_MS) return this.pulse.isAlive;
    const told = (): boolean => !this.isBuried;
    this.pulse = { at: now, isAlive: this.announce().then(told, told) };
    return this.pulse.isAlive;
  }

  /** Whether this worker has been declared gone, as far as it knows without asking. */
  get hasBeenBuried(): boolean {
    return this.isBuried;
  }

  /** Tells of workers that the list names no more; of a watched one each time that the list is read. */
  onGone(listener: (worker: string) => void): () => void {
    return this.gone.add(listener);
  }

  /** Tells that `livingWorkers` changed. */
  onChange(listener: () => void): () => void {
    return this.changed.add(listener);
  }

  /** Tells once that this worker has been declared gone. */
  onBuried(listener: () => void): () => void {
    return this.buried.add(listener);
  }

  /** Has `onGone` tell of this worker even if it was never seen alive. Returns how to take that back. */
  watch(worker: string): () => void {
    const watch = this.watched.get(worker) ?? { watchers: 0, listsBefore: this.listsAsked };
    this.watched.set(worker, watch);
    watch.watchers += 1;
    return () => {
      watch.watchers -= 1;
      if (watch.watchers === 0) this.watched.delete(worker);
    };
  }

  /** Takes leave: from now on this worker counts as gone, for good. Rejects with RelayFailure. */
  async leave(): Promise<void> {
    await this.beating;
    this.stop();
    await this.parts.directory.leave(this.parts.me);
  }

  /** Takes a canary that came back. */
  hear(canary: string): void {
    this.proof.hear(canary);
  }

  /** Frames may have been missed: nothing is known any more, until it is proven anew. */
  lose(): void {
    this.isAnnounced = false;
    this.proof.lose();
    this.tellAvailability();
    if (!this.isStopped) this.beatIn(0);
  }

  /** One beat at a time; whoever asks meanwhile waits for that one. */
  private beat(): Promise<void> {
    this.cancelBeat();
    this.beating ??= this.beatOnce().finally(() => {
      this.beating = undefined;
      if (!this.isStopped) this.beatIn(this.state === 'ready' && this.misses === 0 ? BEAT_MS : BEAT_PAUSE_MS);
    });
    return this.beating;
  }

  private beatIn(ms: number): void {
    this.cancelBeat();
    this.cancelBeat = this.parts.timer.after(ms, () => void this.beat());
  }

  private async beatOnce(): Promise<void> {
    const proven = this.proof.renew();
    const listed = this.announce()
      .then(() => this.list())
      .then(
        () => (this.misses = 0),
        (error: unknown) => this.miss(error),
      );
    await Promise.all([proven, listed]);
    this.tellAvailability();
  }

  private async announce(): Promise<void> {
    const begun = this.parts.timer.monotonicNow();
    try {
      this.take(await this.parts.directory.announce(this.parts.me, PRESENCE_TTL_MS));
    } finally {
      this.attemptedAt = Math.max(this.attemptedAt, begun);
    }
  }

  private take({ generation, now, buried }: Announced): void {
    const at = this.parts.timer.monotonicNow();
    const { relation } = this;
    // What kept this worker from the relay may have kept others from it, whose announcements are over therefore.
    const isContinuous = relation?.generation === generation && at - relation.at <= BLIND_MS;
    const since = isContinuous ? relation.since : at;
    this.relation = { generation, since, relayNow: now, at };
    this.isAnnounced = true;
    if (!buried || this.isBuried) return;
    this.isBuried = true;
    this.buried.tell();
  }

  /** One answer that is late is no outage: a busy relay, or this process itself, may have been slow. */
  private miss(error: unknown): void {
    this.misses += 1;
    if (this.misses === 1 && mayHaveWorked(error)) return;
    this.isAnnounced = false;
    this.tellAvailability();
  }

  private async list(): Promise<void> {
    const before = this.known;
    this.listsAsked += 1;
    const list = this.listsAsked;
    const listed = new Set(await this.parts.directory.living());
    this.listed = listed;
    this.listedAt = this.parts.timer.monotonicNow();
    // A relay that has just begun anew knows nobody, however alive they are.
    const isSettled = this.isSettled();
    const known = isSettled ? listed : new Set([...before, ...listed]);
    this.known = known;
    if (known.size !== before.size || [...known].some((worker) => !before.has(worker))) this.changed.tell();
    if (!isSettled) return;
    for (const worker of new Set([...before, ...this.watchedBefore(list)])) {
      if (!listed.has(worker)) this.gone.tell(worker);
    }
  }

  /** A list that was asked for earlier may be older than a worker that is new. */
  private watchedBefore(list: number): string[] {
    return [...this.watched].flatMap(([worker, { listsBefore }]) => (listsBefore < list ? [worker] : []));
  }

  private isSettled(): boolean {
    return this.relation !== undefined && this.parts.timer.monotonicNow() - this.relation.since > SETTLED_MS;
  }

  private tellAvailability(): void {
    const isReady = this.state === 'ready';
    if (isReady === this.wasReady) return;
    this.wasReady = isReady;
    this.parts.observer.availability(isReady);
    if (isReady) for (const listener of this.readyListeners.splice(0)) listener();
  }
}
