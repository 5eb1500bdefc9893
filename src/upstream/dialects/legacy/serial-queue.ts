import type { LegacyCall } from './legacy-call.js';

/** Calls that may wait for their turn on one connection. */
const MAX_WAITING = 256;

/**
 * Lets calls run one at a time where a question does not say which call it belongs to: with one call running, there is
 * no doubt.
 */
export class SerialQueue {
  private running: LegacyCall | undefined;
  private waiting: { readonly call: LegacyCall; readonly start: () => void }[] = [];

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
