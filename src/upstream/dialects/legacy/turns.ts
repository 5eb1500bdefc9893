import type { LegacyCall } from './legacy-call.js';

/** Calls that may wait for their turn on one connection. */
const MAX_WAITING = 256;

/**
 * Lets calls run one at a time where a question does not say which call it belongs to: with one call running, there is
 * no doubt.
 */
export class Turns {
  private holder: LegacyCall | undefined;
  private waiting: { readonly call: LegacyCall; readonly start: () => void }[] = [];

  get full(): boolean {
    return this.waiting.length >= MAX_WAITING;
  }

  take(call: LegacyCall, start: () => void): void {
    if (this.holder !== undefined) {
      this.waiting.push({ call, start });
      return;
    }
    this.holder = call;
    start();
  }

  leave(call: LegacyCall): void {
    if (this.holder !== call) {
      this.waiting = this.waiting.filter((waiting) => waiting.call !== call);
      return;
    }
    this.holder = undefined;
    const next = this.waiting.shift();
    if (next !== undefined) this.take(next.call, next.start);
  }

  holds(call: LegacyCall): boolean {
    return this.holder === call;
  }
}
