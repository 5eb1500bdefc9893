import { hash } from 'node:crypto';
import type { JsonValue } from '#lib/mcp-protocol';

/** A server that says something else each time is not kept in mind for ever. */
const MAX_FINGERPRINTS_PER_LIST = 1_000;

/** The same text for the same part of a list, for much less than the digests of its definitions. */
export const toFingerprint = (items: readonly JsonValue[]): string =>
  hash('sha256', JSON.stringify(items), 'base64url');

/** Parts of lists that have said nothing new, by their prints: most of what servers send is what they sent before. */
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

  /** Something is known of the list that was not: what was familiar may be news now. */
  evict(list: string): void {
    this.fingerprints.delete(list);
  }

  clear(): void {
    this.fingerprints.clear();
  }
}
