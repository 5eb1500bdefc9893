import { isJsonObject, toNumber, type JsonObject, type JsonValue } from '../json.js';
import { convertOlderDrafts, usesTuples } from './older-drafts.js';
import { RepairNotes } from './repair-notes.js';
import { ANNOTATIONS, KEYWORDS, type KeywordKind } from './schema-keywords.js';
import { dropNarrowed } from './narrowed-keywords.js';
import { toSchemaType } from './schema-types.js';

/** Maximum number of schemas in one definition. A larger one is left out of its list. */
const MAX_SCHEMAS = 10_000;
/** An anchor as validators accept it. */
const ANCHOR = /^[a-z_][-a-z0-9._]*$/i;
/** Dialects that validators of clients know. */
const KNOWN_DIALECT = /^https?:\/\/json-schema\.org\/(draft-0[67]\/schema|draft\/(2019-09|2020-12)\/schema)#?$/;

/** Keywords whose values are data, not schemas. */
const DATA: ReadonlySet<string> = new Set(['const', 'default', 'enum']);
/** Keywords that apply another schema of the definition. */
const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicRef']);
/** Keywords whose effect depends on schemas that are not below them. */
const DISTANT: ReadonlySet<string> = new Set([...REFERENCES, 'unevaluatedItems', 'unevaluatedProperties']);
/** Keywords that give a schema a name. */
const NAMES: ReadonlySet<string> = new Set(['$id', '$anchor', '$dynamicAnchor']);

/** A repaired definition, with what its references need to be checked. */
export interface RepairedSchema {
  /** The same object if nothing changes. */
  readonly schema: JsonObject;
  /** True if the definition has too many schemas. It must not be used then. */
  readonly isTooLarge: boolean;
  /** The repaired schemas of an output schema, its root last. */
  readonly schemas: ReadonlySet<JsonValue>;
  /** True if the output schema contains a schema with a base URI of its own. */
  readonly hasInnerBase: boolean;
}

/**
 * Repairs the schemas of one definition. What has no meaning is removed. The repaired schema accepts every value that the
 * definition accepts, whatever the removed part stood for, and may accept more: the server still validates. In an output
 * schema, which clients compile, it also removes what their validators refuse.
 */
export function repairSchema(
  member: 'inputSchema' | 'outputSchema',
  schema: JsonObject,
  notes: RepairNotes,
): RepairedSchema {
  let repair = new SchemaRepair(member);
  let repaired = repair.run(schema);
  if (repair.needsCaution) {
    repair = new SchemaRepair(member, true);
    repaired = repair.run(schema);
  }
  notes.addAll(repair.notes);
  const { isTooLarge, schemas, hasInnerBase } = repair;
  return { schema: repaired, isTooLarge, schemas, hasInnerBase };
}

class SchemaRepair {
  readonly notes = new RepairNotes();
  readonly schemas = new Set<JsonValue>();
  hasInnerBase = false;
  private readonly path: string[];
  private readonly isOutput: boolean;
  private hasTuples = false;
  private schemasLeft = MAX_SCHEMAS;
  /** Number of parts after whose removal a schema may accept more. */
  private losses = 0;
  private hasDistantEffects = false;

  /**
   * @param isCautious - Removes keywords whose effect may have changed with a part elsewhere in the definition: references
   *   and `unevaluated…` depend on other schemas.
   */
  constructor(
    member: 'inputSchema' | 'outputSchema',
    private readonly isCautious = false,
  ) {
    this.path = [member];
    this.isOutput = member === 'outputSchema';
  }

  get isTooLarge(): boolean {
    return this.schemasLeft < 0;
  }

  get needsCaution(): boolean {
    return !this.isTooLarge && this.losses > 0 && this.hasDistantEffects;
  }

  /** Returns the repaired schema; the same object if nothing changes. */
  run(schema: JsonObject): JsonObject {
    this.hasTuples = usesTuples(schema);
    return this.repair(schema);
  }

  private repair(schema: JsonObject): JsonObject {
    this.schemasLeft -= 1;
    if (this.isTooLarge) return schema;
    const converted = convertOlderDrafts(schema, this.hasTuples, (keyword) => this.note(keyword));
    const compilable = this.isOutput ? this.toCompilable(converted) : converted;
    const loosened = new Set<string>();
    const readable = this.mapMembers(compilable, (value, keyword) => {
      const losses = this.losses;
      const next = this.repairKeyword(keyword, value);
      if (this.losses > losses) loosened.add(keyword);
      return next;
    });
    const repaired =
      loosened.size === 0
        ? readable
        : dropNarrowed(compilable, readable, loosened, (keyword) => this.note(keyword, 'depended on a removed part'));
    if (this.isOutput) this.schemas.add(repaired);
    return repaired;
  }

  private repairKeyword(keyword: string, value: JsonValue): JsonValue | undefined {
    const kind = KEYWORDS.get(keyword);
    // Validators look for names of schemas in the values of unknown keywords, too.
    if (kind === undefined) return this.isOutput && !isData(keyword, value) && declaresName(value) ? undefined : value;
    const isDistant = DISTANT.has(keyword);
    if (isDistant) this.hasDistantEffects = true;
    const next = isDistant && this.isCautious && !REFERENCES.has(keyword) ? undefined : this.repairValue(kind, value);
    if ((next === undefined && !ANNOTATIONS.has(keyword)) || (this.isCautious && REFERENCES.has(keyword)))
      this.losses += 1;
    return next;
  }

  /**
   * Client SDKs compile the output schemas of all tools of a list in one registry. A second `$id` there makes them refuse the
   * whole list, or validate with the schema of another tool; no reference of a single schema needs one.
   */
  private toCompilable(schema: JsonObject): JsonObject {
    const { $id: id, $schema: dialect, nullable, type } = schema;
    let compilable = schema;
    const remove = (keyword: string): void => {
      if (schema[keyword] === undefined) return;
      if (compilable === schema) compilable = { ...schema };
      delete compilable[keyword];
    };
    if (typeof id === 'string') {
      const isAnchor = id.startsWith('#');
      if (!isAnchor && this.path.length > 1) this.hasInnerBase = true;
      remove('$id');
      // Draft 7 has no other form of an anchor.
      if (isAnchor) compilable['$anchor'] = id.slice(1);
    }
    remove('id');
    remove('$async');
    if (nullable !== true || type === undefined) remove('nullable');
    if (typeof dialect === 'string' && !KNOWN_DIALECT.test(dialect)) remove('$schema');
    return compilable;
  }

  private repairValue(kind: KeywordKind, value: JsonValue): JsonValue | undefined {
    switch (kind) {
      case 'number':
        return toNumber(value) === undefined ? undefined : value;
      case 'positive':
        return (toNumber(value) ?? 0) > 0 ? value : undefined;
      case 'count':
        return isCount(toNumber(value)) ? value : undefined;
      case 'text':
        return typeof value === 'string' ? value : undefined;
      case 'flag':
        return typeof value === 'boolean' ? value : undefined;
      case 'type':
        return toSchemaType(value);
      case 'enum':
        return Array.isArray(value) && value.length > 0 ? value : undefined;
      case 'names':
        return this.toNames(value);
      case 'pattern':
        return typeof value === 'string' && this.isPattern(value) ? value : undefined;
      case 'anchor':
        return typeof value === 'string' && ANCHOR.test(value) ? value : undefined;
      default:
        return this.repairSchemas(kind, value);
    }
  }

  private repairSchemas(kind: KeywordKind, value: JsonValue): JsonValue | undefined {
    switch (kind) {
      case 'items':
        return Array.isArray(value) ? this.repairList(value) : this.repairSchema(value);
      case 'schemas':
        return this.repairList(value);
      case 'properties':
        return this.repairMap(value, (each) => this.repairProperty(each));
      case 'schemaMap':
        return this.repairMap(value, (each) => this.repairPart(each));
      case 'patternMap':
        return this.repairMap(value, (each, pattern) => (this.isPattern(pattern) ? this.repairPart(each) : undefined));
      case 'nameMap':
        return this.repairMap(value, (each) => this.toNames(each));
      case 'dependencies':
        return this.repairMap(value, (each) => (Array.isArray(each) ? this.toNames(each) : this.repairPart(each)));
      default:
        return this.repairSchema(value);
    }
  }

  private repairSchema(value: JsonValue): JsonValue | undefined {
    if (isJsonObject(value)) return this.repair(value);
    if (typeof value === 'boolean') return value;
    return isEmptyList(value) ? {} : undefined;
  }

  /** Returns a schema for every entry of a list or map, because other keywords and references count them. */
  private repairPart(value: JsonValue): JsonValue {
    return this.repairSchema(value) ?? this.loseSchema();
  }

  private loseSchema(): JsonValue {
    this.losses += 1;
    return {};
  }

  /** Clients require that each property has an object as its schema. */
  private repairProperty(value: JsonValue): JsonValue {
    if (isJsonObject(value)) {
      if (typeof value['required'] !== 'boolean') return this.repair(value);
      // It is a statement of draft 3 about the object, which has it among its required properties already.
      const { required: _moved, ...property } = value;
      this.note('required');
      return this.repair(property);
    }
    if (value === true || isEmptyList(value)) return {};
    if (value === false) return { not: {} };
    const type = typeof value === 'string' ? toSchemaType(value) : undefined;
    return type === undefined ? this.loseSchema() : { type };
  }

  private repairList(value: JsonValue): JsonValue | undefined {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    const repaired = value.map((each) => this.repairPart(each));
    return repaired.every((each, index) => each === value[index]) ? value : repaired;
  }

  private toNames(value: JsonValue): JsonValue | undefined {
    if (!Array.isArray(value)) return undefined;
    const names = value.filter((name) => typeof name === 'string');
    if (names.length < value.length) this.losses += 1;
    const distinct = [...new Set(names)];
    return distinct.length === value.length ? value : distinct;
  }

  /** Some languages encode an empty map as an empty list. */
  private repairMap(
    value: JsonValue,
    repairOne: (each: JsonValue, name: string) => JsonValue | undefined,
  ): JsonValue | undefined {
    if (!isJsonObject(value)) return isEmptyList(value) ? {} : undefined;
    return this.mapMembers(value, (each, name) => {
      const next = repairOne(each, name);
      if (next === undefined) this.losses += 1;
      return next;
    });
  }

  /** Patterns of input schemas are for the server alone, whose language may have another syntax. */
  private isPattern(pattern: string): boolean {
    if (!this.isOutput) return true;
    try {
      return new RegExp(pattern, 'u') instanceof RegExp;
    } catch {
      return false;
    }
  }

  /** Copies the object at its first change, and notes changes of values that are no objects. */
  private mapMembers(
    object: JsonObject,
    change: (value: JsonValue, member: string) => JsonValue | undefined,
  ): JsonObject {
    let mapped = object;
    for (const member in object) {
      const value = object[member];
      if (value === undefined) continue;
      this.path.push(member);
      const next = change(value, member);
      this.path.pop();
      if (next === value) continue;
      if (!isJsonObject(value) || !isJsonObject(next)) this.note(member);
      if (mapped === object) mapped = { ...object };
      if (next === undefined) delete mapped[member];
      // An assignment to `__proto__` would set the prototype.
      else Object.defineProperty(mapped, member, { value: next, enumerable: true, writable: true, configurable: true });
    }
    return mapped;
  }

  private note(keyword: string, what = 'had no valid value'): void {
    this.notes.add(`${[...this.path, keyword].join('.')} ${what}`);
  }
}

/** Validators take `examples` for an unknown keyword unless it has a list. */
const isData = (keyword: string, value: JsonValue): boolean =>
  DATA.has(keyword) || (keyword === 'examples' && Array.isArray(value));

function declaresName(value: JsonValue | undefined): boolean {
  if (Array.isArray(value)) return value.some(declaresName);
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, member]) => NAMES.has(key) || declaresName(member));
}

const isEmptyList = (value: JsonValue): boolean => Array.isArray(value) && value.length === 0;

const isCount = (value: number | undefined): boolean => Number.isSafeInteger(value) && (value ?? -1) >= 0;
