import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { CircularSchemas } from './circular-schemas.js';
import { withChosenBranches } from './discriminators.js';
import { withExclusiveBounds, withNull } from './nullable-schemas.js';
import type { ReferenceResolver } from './reference-resolver.js';
import { ANNOTATIONS, LIST_KEYWORDS, MAP_KEYWORDS, PLAIN_KEYWORDS, SCHEMA_KEYWORDS } from './schema-keywords.js';

/** Maximum number of schemas of one operation. */
const MAX_NODES = 20_000;
/** Maximum depth of a schema that is written out. Messages of 64 levels must be able to hold it. */
const MAX_DEPTH = 40;

/** What a document is asked for the schemas of an operation. */
export interface SchemaSource {
  readonly references: ReferenceResolver;
  readonly circular: CircularSchemas;
  /** OpenAPI 3.0 and Swagger 2.0: only annotations count beside a reference. */
  readonly isOld: boolean;
}

export interface ConversionOptions {
  /** Arguments are not asked for what is read-only; results do not promise what is write-only. */
  readonly direction: 'input' | 'output';
  /** Maximum number of schemas. */
  readonly maxNodes?: number;
  /** Every referenced schema becomes a definition, so that none is repeated. */
  readonly isShared?: boolean;
  /** Leaves out what restricts nothing below the first levels. */
  readonly isTerse?: boolean;
  /** Schemas below this depth accept any value, and every reference is written out. */
  readonly maxDepth?: number;
}

/** The schemas of an operation have become too large to be written out. */
export class SchemaTooLarge extends Error {
  override readonly name = 'SchemaTooLarge';
}

const NOTHING: ReadonlySet<string> = new Set();

/**
 * Converts schemas of OpenAPI to JSON Schema 2020-12. References are written out, except those to schemas that contain
 * themselves: these become definitions (`$defs`), which belong at the root of the schema that the caller builds.
 */
export class SchemaConverter {
  /** Patterns that cannot be matched in linear time, and other values without a meaning in JSON Schema. */
  readonly dropped = new Set<string>();
  private readonly names = new Map<string, string>();
  private readonly definitions: JsonObject = {};
  private nodes = 0;

  constructor(
    private readonly source: SchemaSource,
    private readonly options: ConversionOptions,
  ) {}

  /** The definitions of all schemas that were converted. Undefined when there are none. */
  get $defs(): JsonObject | undefined {
    return Object.keys(this.definitions).length === 0 ? undefined : this.definitions;
  }

  /** @throws ImportFault for a reference that leads nowhere; SchemaTooLarge */
  convert(schema: JsonValue, depth = 0, hidden: ReadonlySet<string> = NOTHING): JsonValue {
    if (this.options.maxDepth !== undefined && depth > this.options.maxDepth) return {};
    this.nodes += 1;
    if (this.nodes > (this.options.maxNodes ?? MAX_NODES) || depth > MAX_DEPTH) throw new SchemaTooLarge();
    if (typeof schema === 'boolean') return schema;
    if (!isJsonObject(schema)) return {};
    const { $ref, ...siblings } = schema;
    if (typeof $ref !== 'string') return this.convertWritten(schema, depth, hidden);
    return this.beside(this.convertReference($ref, depth, hidden), this.selectSiblings(siblings), depth, hidden);
  }

  /** True for a member that a caller must not send, or that no result contains. */
  isHidden(schema: JsonValue | undefined): boolean {
    const keyword = this.options.direction === 'input' ? 'readOnly' : 'writeOnly';
    if (!isJsonObject(schema)) return false;
    if (schema[keyword] === true) return true;
    const { allOf } = schema;
    const [only] = Array.isArray(allOf) && allOf.length === 1 ? allOf : [];
    return (
      this.source.references.dereference(schema)?.[keyword] === true || (only !== undefined && this.isHidden(only))
    );
  }

  private convertReference(reference: string, depth: number, hidden: ReadonlySet<string>): JsonValue {
    const { isShared = false, maxDepth } = this.options;
    if (maxDepth !== undefined || (!isShared && !this.source.circular.has(reference))) {
      return this.convert(this.source.references.find(reference), depth, hidden);
    }
    let name = this.names.get(reference);
    if (name === undefined) {
      // References that lead to nothing but each other describe no value.
      this.source.references.dereference({ $ref: reference });
      name = this.toDefinitionName(reference);
      this.names.set(reference, name);
      this.definitions[name] = {};
      this.definitions[name] = this.convert(this.source.references.find(reference), 0);
    }
    return { $ref: `#/$defs/${name}` };
  }

  private toDefinitionName(reference: string): string {
    const last =
      reference
        .slice(reference.lastIndexOf('/') + 1)
        .replaceAll(/[^\w.-]/g, '_')
        .replace(/^__proto__$/, 'proto') || 'root';
    let name = last;
    for (let count = 2; Object.hasOwn(this.definitions, name); count += 1) name = `${last}_${count}`;
    return name;
  }

  private selectSiblings(siblings: JsonObject): JsonObject {
    if (!this.source.isOld) return siblings;
    const isRead = (name: string): boolean => ANNOTATIONS.has(name) || name === 'nullable' || name === 'x-nullable';
    return Object.fromEntries(Object.entries(siblings).filter(([name]) => isRead(name)));
  }

  /** Joins a converted schema with the keywords that stand beside its reference. */
  private beside(base: JsonValue, siblings: JsonObject, depth: number, hidden: ReadonlySet<string>): JsonValue {
    const { nullable, 'x-nullable': extended, ...rest } = siblings;
    const own = this.convertWritten(rest, depth, hidden) as JsonObject;
    const joined = joinSchemas(base, own);
    const isNullable = nullable === true || extended === true;
    return isNullable && isJsonObject(joined) ? withNull(joined) : joined;
  }

  private convertWritten(schema: JsonObject, depth: number, outer: ReadonlySet<string>): JsonValue {
    const { allOf } = schema;
    const hidden = this.findHidden(schema, outer);
    const [only] = Array.isArray(allOf) && allOf.length === 1 ? allOf : [];
    if (only !== undefined) {
      const { allOf: _only, ...siblings } = schema;
      return this.beside(this.convert(only, depth, hidden), siblings, depth, hidden);
    }
    const converted: Record<string, JsonValue | undefined> = {};
    for (const [keyword, value = null] of Object.entries(withExclusiveBounds(schema))) {
      const read = PLAIN_KEYWORDS[keyword];
      if (!Object.hasOwn(PLAIN_KEYWORDS, keyword) || read === undefined) continue;
      if (this.options.isTerse === true && depth > 1 && ANNOTATIONS.has(keyword)) continue;
      const kept = read(value);
      if (kept !== undefined) converted[keyword] = kept;
      else if (keyword === 'pattern') this.dropped.add(`pattern ${JSON.stringify(value).slice(0, 60)}`);
    }
    this.convertExample(schema, converted, depth);
    this.convertBelow(schema, converted, depth, hidden);
    const chosen = withChosenBranches(schema, converted, this.source.references, this.options.direction);
    return schema['nullable'] === true || schema['x-nullable'] === true ? withNull(chosen) : chosen;
  }

  private convertExample({ example }: JsonObject, converted: JsonObject, depth: number): void {
    if (example === undefined || converted['examples'] !== undefined) return;
    if (this.options.isTerse !== true || depth <= 1) converted['examples'] = [example];
  }

  private convertBelow(
    schema: JsonObject,
    converted: Record<string, JsonValue | undefined>,
    depth: number,
    hidden: ReadonlySet<string>,
  ): void {
    for (const keyword of MAP_KEYWORDS) {
      const map = schema[keyword];
      if (!isJsonObject(map)) continue;
      const shown = Object.entries(map).filter(([name]) => keyword !== 'properties' || !hidden.has(name));
      converted[keyword] = Object.fromEntries(shown.map(([name, each = {}]) => [name, this.convert(each, depth + 1)]));
    }
    for (const keyword of LIST_KEYWORDS) {
      const schemas = schema[keyword];
      if (!Array.isArray(schemas) || schemas.length === 0) continue;
      converted[keyword] = schemas.map((each) => this.convert(each, depth + 1, keyword === 'allOf' ? hidden : NOTHING));
    }
    for (const keyword of SCHEMA_KEYWORDS) {
      const value = schema[keyword];
      // A list of items is the tuple of older drafts.
      if (keyword === 'items' && Array.isArray(value)) {
        if (value.length > 0) converted['prefixItems'] = value.map((each) => this.convert(each, depth + 1));
      } else if (isJsonObject(value) || typeof value === 'boolean') converted[keyword] = this.convert(value, depth + 1);
    }
    const required = readRequired(schema).filter((name) => !hidden.has(name));
    if (required.length > 0) converted['required'] = required;
    const { dependentRequired } = schema;
    if (isJsonObject(dependentRequired)) converted['dependentRequired'] = dependentRequired;
  }

  /** Returns the names of hidden members of an object, in all parts of which it is composed. */
  private findHidden(schema: JsonObject, outer: ReadonlySet<string>): ReadonlySet<string> {
    const found = new Set(outer);
    const parts = new Set([schema]);
    // A set yields the members that are added while it is iterated.
    for (const part of parts) {
      const { properties, allOf } = part;
      const entries = isJsonObject(properties) ? Object.entries(properties) : [];
      for (const [name, each] of entries) if (this.isHidden(each)) found.add(name);
      for (const each of Array.isArray(allOf) ? allOf : []) {
        const resolved = this.source.references.dereference(each);
        if (resolved) parts.add(resolved);
      }
    }
    return found;
  }
}

/** Returns the names of `required`; a boolean there is not JSON Schema. */
export const readRequired = ({ required }: JsonObject): string[] =>
  Array.isArray(required) ? [...new Set(required.filter((name) => typeof name === 'string'))] : [];

/** Joins two schemas that both apply. */
export function joinSchemas(base: JsonValue, own: JsonObject): JsonValue {
  if (!isJsonObject(base)) return Object.keys(own).length === 0 ? base : { ...own, ...(base === false && { not: {} }) };
  const isDisjoint = Object.entries(own).every(
    ([keyword, value]) =>
      ANNOTATIONS.has(keyword) ||
      !Object.hasOwn(base, keyword) ||
      JSON.stringify(base[keyword]) === JSON.stringify(value),
  );
  // `additionalProperties` means the members that no `properties` beside it names.
  const isClosed = base['additionalProperties'] !== undefined || own['additionalProperties'] !== undefined;
  const hasMembers = own['properties'] !== undefined || (isClosed && own['additionalProperties'] !== undefined);
  if (isDisjoint && !(isClosed && hasMembers)) return { ...base, ...own };
  return { ...own, allOf: [...asList(own['allOf']), base] };
}

const asList = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);
