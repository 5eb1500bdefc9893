import { hash } from 'node:crypto';
import type { JsonValue } from '#lib/mcp-protocol';

/** A server that says something else each time is not kept in mind for ever. */
const MOST_OF_A_LIST = 1_000;

/** The same text for the same part of a list, for much less than the digests of its definitions. */
export const printOf = (items: readonly JsonValue[]): string => hash('sha256', JSON.stringify(items), 'base64url');

/** Parts of lists that have said nothing new, by their prints: most of what servers send is what they sent before. */
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

  /** Something is known of the list that was not: what was familiar may be news now. */
  forget(list: string): void {
    this.prints.delete(list);
  }

  clear(): void {
    this.prints.clear();
  }
}
