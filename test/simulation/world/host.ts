import { Clock } from '#lib/time';
import type { Chance } from './chance.js';
import type { Universe } from './universe.js';

/**
 * The machine and process of one worker: a clock that may run fast or slow, and a process that can be frozen (SIGSTOP)
 * or killed. Whatever reaches the worker's code goes through `enter`.
 */
export class Host {
  readonly timer: Clock;
  private state: 'running' | 'frozen' | 'dead' = 'running';
  private readonly waitingInput: (() => void)[] = [];
  private readonly waitingTimers: (() => void)[] = [];
  private readonly timers = new Set<object>();
  private frozenSince = 0;
  private frozenMs = 0;

  constructor(
    private readonly universe: Universe,
    private readonly chance: Chance,
    /** How many of its own milliseconds pass in one true one. */
    readonly rate: number,
  ) {
    this.timer = new HostTimer(
      () => universe.now * rate,
      (ms, run) => this.after(ms, run),
    );
  }

  get isAlive(): boolean {
    return this.state !== 'dead';
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  /** Timers that were set and have neither run nor been taken back. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  /** True milliseconds for which it has stood still so far. */
  get stoodStillMs(): number {
    return this.frozenMs + (this.state === 'frozen' ? this.universe.now - this.frozenSince : 0);
  }

  /** Input arrives: read now, or once the process runs again, in the order of arrival. */
  enter(run: () => void): void {
    this.pass(run, this.waitingInput);
  }

  freeze(): void {
    if (this.state !== 'running') return;
    this.state = 'frozen';
    this.frozenSince = this.universe.now;
  }

  /** What has waited runs now. Whether input or timers come first is chance, as it is after SIGCONT. */
  thaw(): void {
    if (this.state !== 'frozen') return;
    this.frozenMs += this.universe.now - this.frozenSince;
    this.state = 'running';
    const input = () => this.waitingInput.splice(0).map((run) => () => this.enter(run));
    const timers = () => this.waitingTimers.splice(0).map((run) => () => this.pass(run, this.waitingTimers));
    const waiting = this.chance.coin() ? [...input(), ...timers()] : [...timers(), ...input()];
    for (const run of waiting) this.universe.after(0, run);
  }

  /** kill -9. */
  kill(): void {
    this.state = 'dead';
    this.timers.clear();
    this.waitingInput.length = 0;
    this.waitingTimers.length = 0;
  }

  private after(ms: number, run: () => void): () => void {
    const timer = {};
    this.timers.add(timer);
    const due = () => {
      if (this.timers.delete(timer)) run();
    };
    const forget = this.universe.after(ms / this.rate, () => this.pass(due, this.waitingTimers));
    return () => {
      this.timers.delete(timer);
      forget();
    };
  }

  private pass(run: () => void, waiting: (() => void)[]): void {
    if (this.state === 'running') run();
    else if (this.state === 'frozen') waiting.push(run);
  }
}

class HostTimer extends Clock {
  constructor(
    private readonly clock: () => number,
    private readonly alarm: (ms: number, run: () => void) => () => void,
  ) {
    super();
  }

  override now(): number {
    return this.clock();
  }

  override monotonicNow(): number {
    return this.clock();
  }

  override after(ms: number, run: () => void): () => void {
    return this.alarm(ms, run);
  }
}
