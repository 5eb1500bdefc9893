import type { LegacyCall } from './legacy-call.js';

/** Maximum number of queued calls per connection. */
const MAX_WAITING = 256;

/**
 * Runs calls one at a time when questions do not identify their call: with one running call, the call of a question is
 * unambiguous (upstream/README.md, invariant 5).
 */
export class SerialQueue {
  private running: LegacyCall | undefined;
  private waiting: { readonly call: LegacyCall; readonly start: () => void }[] = [];

  /** The running call, while a question of it waits for its client. */
  get blocking(): LegacyCall | undefined {
    return this.running?.waitsForClient === true ? this.running : undefined;
  }

  /** The calls that wait for the running one. */
  get waitingCalls(): LegacyCall[] {
    return this.waiting.map(({ call }) => call);
  }

  get full(): boolean {
    return this.waiting.length >= MAX_WAITING;
  }

  run(call: LegacyCall, start: () => void): void {
    if (this.running !== undefined) {
      this.waiting.push({ call, start });
      return;
    }
    this.running = call;
    start();
  }

  release(call: LegacyCall): void {
    if (this.running !== call) {
      this.waiting = this.waiting.filter((waiting) => waiting.call !== call);
      return;
    }
    this.running = undefined;
    const next = this.waiting.shift();
    if (next !== undefined) this.run(next.call, next.start);
  }

  isRunning(call: LegacyCall): boolean {
    return this.running === call;
  }
}
