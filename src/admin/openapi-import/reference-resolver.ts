import { isJsonObject, readPointerPart, unescapePointerPart, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** Maximum number of references that lead from one to the next. */
const MAX_STEPS = 24;

/** An operation, or a part of it, cannot be imported. The message says why, and continues a sentence about it. */
export class ImportFault extends Error {
  override readonly name = 'ImportFault';
}

/** Resolves the references within a document (JSON Pointer, RFC 6901). */
export class ReferenceResolver {
  constructor(private readonly document: JsonObject) {}

  /** Resolves the reference of an object, but not those of its members. @throws ImportFault */
  dereference(value: JsonValue | undefined): JsonObject | undefined {
    let current = value;
    for (let step = 0; step < MAX_STEPS; step += 1) {
      if (!isJsonObject(current)) return undefined;
      const { $ref } = current;
      if (typeof $ref !== 'string') return current;
      current = this.find($ref);
    }
    throw new ImportFault('its references are circular');
  }

  /** Returns the value that a reference names. @throws ImportFault */
  find(reference: string): JsonValue {
    if (!reference.startsWith('#')) {
      throw new ImportFault(`it references another document (${reference.slice(0, 80)})`);
    }
    if (reference !== '#' && !reference.startsWith('#/')) {
      throw new ImportFault(`it references an anchor (${reference.slice(0, 80)}), which is not supported`);
    }
    let target: JsonValue | undefined = this.document;
    for (const part of reference.split('/').slice(1)) target = this.step(target, toName(part));
    if (target === undefined) throw new ImportFault(`${reference.slice(0, 80)} does not exist`);
    return target;
  }

  private step(from: JsonValue | undefined, name: string): JsonValue | undefined {
    if (Array.isArray(from)) return /^\d+$/.test(name) ? from[Number(name)] : undefined;
    if (!isJsonObject(from)) return undefined;
    if (Object.hasOwn(from, name)) return from[name];
    // A pointer may lead through an object that is itself a reference.
    return typeof from['$ref'] === 'string' ? this.step(this.dereference(from), name) : undefined;
  }
}

/** Documents contain names with a `%` that is no escape. */
const toName = (part: string): string => readPointerPart(part) ?? unescapePointerPart(part);
