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

  has(list: string, fingerprint: string): boolean {
    return this.fingerprints.get(list)?.has(fingerprint) === true;
  }

  add(list: string, fingerprint: string): void {
    const fingerprints = this.fingerprints.get(list) ?? new Set();
    if (fingerprints.size >= MAX_FINGERPRINTS_PER_LIST) fingerprints.clear();
    this.fingerprints.set(list, fingerprints.add(fingerprint));
  }

  /** Removes the fingerprints of a list whose items changed: a seen page may contain a change relative to them. */
  evict(list: string): void {
    this.fingerprints.delete(list);
  }

  clear(): void {
    this.fingerprints.clear();
  }
}
