import type { NumberRange } from '../audit-record.js';

/** A set of integers, stored as ascending ranges. */
export class NumberRanges {
  private ranges: NumberRange[] = [];

  constructor(ranges: readonly NumberRange[] = []) {
    for (const range of ranges) this.add(range);
  }

  get all(): readonly NumberRange[] {
    return this.ranges;
  }

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  /** How many integers it contains. */
  get size(): number {
    return this.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }

  has(number: number): boolean {
    return this.ranges.some(([first, last]) => first <= number && number <= last);
  }

  /** Numbers usually arrive in ascending order, so that the last range grows. */
  add([first, last]: NumberRange): void {
    if (last < first) return;
    const newest = this.ranges.at(-1);
    if (!newest || first > newest[1] + 1) {
      this.ranges.push([first, last]);
      return;
    }
    if (first >= newest[0]) {
      this.ranges[this.ranges.length - 1] = [newest[0], Math.max(newest[1], last)];
      return;
    }
    const before = this.ranges.filter((range) => range[1] < first - 1);
    const after = this.ranges.filter((range) => range[0] > last + 1);
    const touched = this.ranges.slice(before.length, this.ranges.length - after.length);
    const merged: NumberRange = [
      Math.min(first, ...touched.map((range) => range[0])),
      Math.max(last, ...touched.map((range) => range[1])),
    ];
    this.ranges = [...before, merged, ...after];
  }

  /** Returns the integers that are in this set and not in the other one. */
  without(other: NumberRanges): NumberRanges {
    const rest = new NumberRanges();
    for (const [first, last] of this.ranges) {
      let from = first;
      for (const [otherFirst, otherLast] of other.ranges) {
        if (otherLast < from || otherFirst > last) continue;
        rest.add([from, otherFirst - 1]);
        from = otherLast + 1;
      }
      rest.add([from, last]);
    }
    return rest;
  }

  /** How many of its integers are at most this one. */
  countUpTo(limit: number): number {
    return this.ranges.reduce((sum, [first, last]) => sum + Math.max(0, Math.min(last, limit) - first + 1), 0);
  }
}
