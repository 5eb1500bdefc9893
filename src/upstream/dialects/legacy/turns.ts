import type { LegacyCall } from './legacy-call.js';

/** Maximum number of queued calls per connection. */
const MAX_WAITING = 256;

/**
 * Runs calls one at a time when questions do not identify their call: with one running call, the call of a question is
 * unambiguous (upstream/README.md, invariant 5).
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
