import { hash } from 'node:crypto';
import type { JsonValue } from '#lib/mcp-protocol';

/** Bounds the memory for a server that sends different pages each time. */
const MOST_OF_A_LIST = 1_000;

/** Equal for equal pages. Much cheaper than the digests of all definitions. */
export const printOf = (items: readonly JsonValue[]): string => hash('sha256', JSON.stringify(items), 'base64url');

/** Fingerprints of pages that contained nothing new, because servers mostly send the same pages again. */
export class FamiliarParts {
  private readonly prints = new Map<string, Set<string>>();

  has(list: string, print: string): boolean {
    return this.prints.get(list)?.has(print) === true;
  }

  add(list: string, print: string): void {
    const prints = this.prints.get(list) ?? new Set();
    if (prints.size >= MOST_OF_A_LIST) prints.clear();
    this.prints.set(list, prints.add(print));
  }

  /** Removes the fingerprints of a list whose items changed: a seen page may contain a change relative to them. */
  forget(list: string): void {
    this.prints.delete(list);
  }

  clear(): void {
    this.prints.clear();
  }
}
