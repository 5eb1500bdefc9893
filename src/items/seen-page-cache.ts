import { hash } from 'node:crypto';
import type { JsonValue } from '#lib/mcp-protocol';

/** Bounds the memory for a server that sends different pages each time. */
const MAX_FINGERPRINTS_PER_LIST = 1_000;

/** Equal for equal pages. Much cheaper than the digests of all definitions. */
export const toFingerprint = (items: readonly JsonValue[]): string =>
  hash('sha256', JSON.stringify(items), 'base64url');

/** Fingerprints of pages that contained nothing new, because servers mostly send the same pages again. */
export class SeenPageCache {
  private readonly fingerprints = new Map<string, Set<string>>();

  has(list: string, print: string): boolean {
    return this.fingerprints.get(list)?.has(print) === true;
  }

  add(list: string, print: string): void {
    const prints = this.fingerprints.get(list) ?? new Set();
    if (prints.size >= MAX_FINGERPRINTS_PER_LIST) prints.clear();
    this.fingerprints.set(list, prints.add(print));
  }

  /** Removes the fingerprints of a list whose items changed: a seen page may contain a change relative to them. */
  evict(list: string): void {
    this.fingerprints.delete(list);
  }

  clear(): void {
    this.fingerprints.clear();
  }
}
