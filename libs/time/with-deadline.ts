import type { Clock } from './clock.js';

/**
 * Settles like the work, or like `onLate` once the work has taken `ms` milliseconds: with what it returns, or with what it throws.
 * What the work does afterwards has no effect, and its rejection is handled.
 */
export function withDeadline<T, Late>(
  clock: Clock,
  ms: number,
  work: PromiseLike<T>,
  onLate: () => Late,
): Promise<T | Late> {
  const settled = Promise.withResolvers<T | Late>();
  const cancel = clock.after(ms, () => {
    try {
      settled.resolve(onLate());
    } catch (cause) {
      settled.reject(cause);
    }
  });
  work.then(settled.resolve, settled.reject);
  return settled.promise.finally(cancel);
}
