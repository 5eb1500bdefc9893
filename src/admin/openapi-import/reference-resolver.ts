import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** Deeper than any description that people write; what refers to itself ends here. */
const DEEPEST = 24;
/** What a description may come to once its references are written out. */
const MOST_NODES = 50_000;

/** The description cannot be written out; the message says why. */
export class ReferenceFault extends Error {
  override readonly name = 'ReferenceFault';
}

/** Writes out the references of a document to itself (JSON Pointer, RFC 6901). */
export class ReferenceResolver {
  private nodes = 0;

  constructor(private readonly document: JsonObject) {}

  /** What an object stands for, one level deep. @throws ReferenceFault */
  dereference(value: JsonValue | undefined): JsonObject | undefined {
    let current = value;
    for (let step = 0; step < DEEPEST; step += 1) {
      if (!isJsonObject(current)) return undefined;
      const { $ref } = current;
      if (typeof $ref !== 'string') return current;
      current = this.find($ref);
    }
    throw new ReferenceFault('its references lead in a circle');
  }

  /** A value with everything that it refers to in its place. What refers to itself is left open where it does so again. */
  inline(value: JsonValue, within: readonly string[] = []): JsonValue {
    this.nodes += 1;
    if (this.nodes > MOST_NODES) throw new ReferenceFault('it is too large once its references are written out');
    if (Array.isArray(value)) return value.map((item) => this.inline(item, within));
    if (!isJsonObject(value)) return value;
    const { $ref } = value;
    if (typeof $ref === 'string') {
      if (within.includes($ref) || within.length >= DEEPEST) return {};
      return this.inline(this.find($ref), [...within, $ref]);
    }
    const members = Object.entries(value).map(([name, member]) => [name, this.inline(member ?? null, within)]);
    return Object.fromEntries(members) as JsonObject;
  }

  private find(reference: string): JsonValue {
    if (!reference.startsWith('#/'))
      throw new ReferenceFault(`it refers to another document (${reference.slice(0, 80)})`);
    const names = reference
      .slice(2)
      .split('/')
      .map((name) => decoded(name).replaceAll('~1', '/').replaceAll('~0', '~'));
    let found: JsonValue | undefined = this.document;
    for (const name of names) found = isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
    if (found === undefined) throw new ReferenceFault(`${reference.slice(0, 80)} is not there`);
    return found;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
