import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** Deeper than any hand-written document; bounds recursive references. */
const MAX_DEPTH = 24;
/** Maximum number of JSON values of a document once its references are resolved. */
const MAX_NODES = 50_000;

/** A reference cannot be resolved. The message says why. */
export class ReferenceFault extends Error {
  override readonly name = 'ReferenceFault';
}

/** Resolves the references within a document (JSON Pointer, RFC 6901). */
export class ReferenceResolver {
  private nodes = 0;

  constructor(private readonly document: JsonObject) {}

  /** Resolves the reference of an object, but not those of its members. @throws ReferenceFault */
  dereference(value: JsonValue | undefined): JsonObject | undefined {
    let current = value;
    for (let step = 0; step < MAX_DEPTH; step += 1) {
      if (!isJsonObject(current)) return undefined;
      const { $ref } = current;
      if (typeof $ref !== 'string') return current;
      current = this.find($ref);
    }
    throw new ReferenceFault('its references are circular');
  }

  /** Returns the value with all references replaced by their targets. A recursive reference becomes an empty schema. */
  inline(value: JsonValue, within: readonly string[] = []): JsonValue {
    this.nodes += 1;
    if (this.nodes > MAX_NODES) throw new ReferenceFault('it is too large once its references are resolved');
    if (Array.isArray(value)) return value.map((item) => this.inline(item, within));
    if (!isJsonObject(value)) return value;
    const { $ref } = value;
    if (typeof $ref === 'string') {
      if (within.includes($ref) || within.length >= MAX_DEPTH) return {};
      return this.inline(this.find($ref), [...within, $ref]);
    }
    const members = Object.entries(value).map(([name, member]) => [name, this.inline(member ?? null, within)]);
    return Object.fromEntries(members) as JsonObject;
  }

  private find(reference: string): JsonValue {
    if (!reference.startsWith('#/'))
      throw new ReferenceFault(`it references another document (${reference.slice(0, 80)})`);
    const names = reference
      .slice(2)
      .split('/')
      .map((name) => decode(name).replaceAll('~1', '/').replaceAll('~0', '~'));
    let target: JsonValue | undefined = this.document;
    for (const name of names) target = isJsonObject(target) && Object.hasOwn(target, name) ? target[name] : undefined;
    if (target === undefined) throw new ReferenceFault(`${reference.slice(0, 80)} does not exist`);
    return target;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
