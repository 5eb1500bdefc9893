import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { ReferenceResolver } from './reference-resolver.js';
import { schemasBelow } from './schema-keywords.js';

/** Finds the schemas of a document that contain themselves. Each schema is searched once. */
export class CircularSchemas {
  private readonly referencesFrom = new Map<string, ReadonlySet<string>>();
  private readonly known = new Map<string, boolean>();

  constructor(private readonly references: ReferenceResolver) {}

  /** Returns whether the schema that a reference names leads back to itself. */
  has(reference: string): boolean {
    const known = this.known.get(reference);
    if (known !== undefined) return known;
    const reached = new Set(this.followFrom(reference));
    // A set yields the members that are added while it is iterated.
    for (const next of reached) {
      if (next === reference) break;
      for (const further of this.followFrom(next)) reached.add(further);
    }
    const isCircular = reached.has(reference);
    this.known.set(reference, isCircular);
    return isCircular;
  }

  private followFrom(reference: string): ReadonlySet<string> {
    const known = this.referencesFrom.get(reference);
    if (known) return known;
    const found = new Set<string>();
    this.referencesFrom.set(reference, found);
    const pending: JsonValue[] = [this.references.find(reference)];
    for (let schema = pending.pop(); schema !== undefined; schema = pending.pop()) {
      if (Array.isArray(schema)) pending.push(...schema);
      if (!isJsonObject(schema)) continue;
      if (typeof schema['$ref'] === 'string') found.add(schema['$ref']);
      pending.push(...schemasBelow(schema));
    }
    return found;
  }
}
