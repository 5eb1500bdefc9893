import { Clock } from '#lib/time';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualTime } from './virtual-time.js';

/**
 * The machine and process of one worker: its clock may run fast or slow, and its process can be frozen (SIGSTOP) or
 * killed. All input reaches the worker's code through `enter`.
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
    private readonly virtualTime: VirtualTime,
    private readonly random: SeededRandom,
    /** Clock rate: its milliseconds per virtual millisecond. */
    readonly rate: number,
  ) {
    this.timer = new HostTimer(
      () => virtualTime.now * rate,
      (ms, run) => this.after(ms, run),
    );
  }

  get isAlive(): boolean {
    return this.state !== 'dead';
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  /** Number of timers that have neither run nor been cancelled. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  /** Virtual milliseconds for which the process has been frozen so far. */
  get totalFrozenMs(): number {
    return this.frozenMs + (this.state === 'frozen' ? this.virtualTime.now - this.frozenSince : 0);
  }

  /** Delivers input: immediately, or after the process thaws, in the order of arrival. */
  enter(run: () => void): void {
    this.pass(run, this.waitingInput);
  }

  freeze(): void {
    if (this.state !== 'running') return;
    this.state = 'frozen';
    this.frozenSince = this.virtualTime.now;
  }

  /** Runs all waiting input and timers. Which of the two runs first is random, as after SIGCONT. */
  thaw(): void {
    if (this.state !== 'frozen') return;
    this.frozenMs += this.virtualTime.now - this.frozenSince;
    this.state = 'running';
    const input = () => this.waitingInput.splice(0).map((run) => () => this.enter(run));
    const timers = () => this.waitingTimers.splice(0).map((run) => () => this.pass(run, this.waitingTimers));
    const waiting = this.random.boolean() ? [...input(), ...timers()] : [...timers(), ...input()];
    for (const run of waiting) this.virtualTime.after(0, run);
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
    const forget = this.virtualTime.after(ms / this.rate, () => this.pass(due, this.waitingTimers));
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
