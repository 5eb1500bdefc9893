import type { JsonObject } from '#lib/mcp-protocol';
import { TOO_LONG } from './definition-scan.js';
import type { Definition } from './definition.js';
import type { DefinedItem } from './item-record.js';

/** A definition, or the promise of one that is being read. */
export type FoundDefinition = JsonObject | undefined | Promise<JsonObject | undefined>;

/** Maximum size of the stored definitions, in characters of their JSON. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

interface Entry {
  readonly definition: JsonObject;
  readonly size: number;
}

/** Definitions that calls have needed, by digest. Those that were needed least recently are read again. */
export class DefinitionCache {
  private readonly entries = new Map<string, Entry>();
  private characters = 0;

  /**
   * @param observed finds an observation that the table may not contain yet
   * @param load reads the item from the table; its failure leaves the definition unknown
   */
  read(
    digest: string,
    observed: () => Definition | undefined,
    load: () => Promise<DefinedItem | undefined>,
  ): FoundDefinition {
    const known = this.find(digest);
    if (known) return toUsable(known);
    const unwritten = observed();
    if (unwritten?.digest === digest) return toUsable(this.store(digest, unwritten.definition));
    return load().then(
      (item) => item && toUsable(this.store(item.seenDigest, item.seen)),
      () => undefined,
    );
  }

  private find(digest: string): JsonObject | undefined {
    const entry = this.entries.get(digest);
    if (!entry) return undefined;
    this.entries.delete(digest);
    this.entries.set(digest, entry);
    return entry.definition;
  }

  private store(digest: string, definition: JsonObject): JsonObject {
    if (this.entries.has(digest)) return definition;
    const size = JSON.stringify(definition).length;
    this.entries.set(digest, { definition, size });
    this.characters += size;
    for (const [oldest, entry] of this.entries) {
      if (this.characters <= MAX_CHARACTERS) break;
      this.entries.delete(oldest);
      this.characters -= entry.size;
    }
    return definition;
  }
}

const toUsable = (definition: JsonObject): JsonObject | undefined =>
  definition['description'] === TOO_LONG ? undefined : definition;
