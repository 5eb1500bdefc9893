import { isJsonObject, toNumber, type JsonObject, type JsonValue } from '../json.js';
import { convertOlderDrafts, usesTuples } from './older-drafts.js';
import type { RepairNotes } from './repair-notes.js';
import { KEYWORDS, type KeywordKind } from './schema-keywords.js';
import { toSchemaType } from './schema-types.js';

/** Maximum number of schemas in one definition. A larger one is left out of its list. */
const MAX_SCHEMAS = 10_000;
/** An anchor as validators accept it. */
const ANCHOR = /^[a-z_][-a-z0-9._]*$/i;
/** Dialects that validators of clients know. */
const KNOWN_DIALECT = /^https?:\/\/json-schema\.org\/(draft-0[67]\/schema|draft\/(2019-09|2020-12)\/schema)#?$/;

/** Keywords whose values are data. */
const DATA: ReadonlySet<string> = new Set(['const', 'default', 'enum', 'examples']);
/** Keywords that give a schema a name. */
const NAMES: ReadonlySet<string> = new Set(['$id', '$anchor', '$dynamicAnchor']);

/**
 * Repairs the schemas of one definition. A keyword whose value has no meaning is removed: the schema accepts more then, and the
 * server still validates. In an output schema, which clients compile, it also removes what their validators refuse.
 */
export class SchemaRepair {
  /** The repaired schemas of an output schema, its root last. */
  readonly schemas = new Set<JsonValue>();
  /** True if the output schema contains a schema with a base URI of its own. */
  hasInnerBase = false;
  private readonly path: string[];
  private readonly isOutput: boolean;
  private hasTuples = false;
  private schemasLeft = MAX_SCHEMAS;

  constructor(
    member: 'inputSchema' | 'outputSchema',
    private readonly notes: RepairNotes,
  ) {
    this.path = [member];
    this.isOutput = member === 'outputSchema';
  }

  get isTooLarge(): boolean {
    return this.schemasLeft < 0;
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
    const repaired = this.mapMembers(compilable, (value, keyword) => {
      const kind = KEYWORDS.get(keyword);
      if (kind !== undefined) return this.repairValue(kind, value);
      // Validators look for names of schemas in the values of unknown keywords, too.
      return this.isOutput && !DATA.has(keyword) && declaresName(value) ? undefined : value;
    });
    if (this.isOutput) this.schemas.add(repaired);
    return repaired;
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
        return toNames(value);
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
        return this.repairMap(value, (each) => this.repairSchema(each));
      case 'patternMap':
        return this.repairMap(value, (each, pattern) =>
          this.isPattern(pattern) ? this.repairSchema(each) : undefined,
        );
      case 'nameMap':
        return this.repairMap(value, toNames);
      case 'dependencies':
        return this.repairMap(value, (each) => (Array.isArray(each) ? toNames(each) : this.repairSchema(each)));
      default:
        return this.repairSchema(value);
    }
  }

  private repairSchema(value: JsonValue): JsonValue | undefined {
    if (isJsonObject(value)) return this.repair(value);
    if (typeof value === 'boolean') return value;
    return isEmptyList(value) ? {} : undefined;
  }

  /** Clients require that each property has an object as its schema. */
  private repairProperty(value: JsonValue): JsonValue | undefined {
    if (isJsonObject(value)) return this.repair(value);
    if (value === null || value === true || isEmptyList(value)) return {};
    if (value === false) return { not: {} };
    const type = typeof value === 'string' ? toSchemaType(value) : undefined;
    return type === undefined ? undefined : { type };
  }

  private repairList(value: JsonValue): JsonValue | undefined {
    if (!Array.isArray(value)) return undefined;
    const repaired = value.map((each) => this.repairSchema(each)).filter((each) => each !== undefined);
    if (repaired.length === 0) return undefined;
    return repaired.length === value.length && repaired.every((each, index) => each === value[index])
      ? value
      : repaired;
  }

  /** Some languages encode an empty map as an empty list. */
  private repairMap(
    value: JsonValue,
    repairOne: (each: JsonValue, name: string) => JsonValue | undefined,
  ): JsonValue | undefined {
    return isJsonObject(value) ? this.mapMembers(value, repairOne) : isEmptyList(value) ? {} : undefined;
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

  private note(keyword: string): void {
    this.notes.add(`${[...this.path, keyword].join('.')} had no valid value`);
  }
}

function declaresName(value: JsonValue | undefined): boolean {
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, member]) => NAMES.has(key) || declaresName(member));
}

const isEmptyList = (value: JsonValue): boolean => Array.isArray(value) && value.length === 0;

const isCount = (value: number | undefined): boolean => Number.isSafeInteger(value) && (value ?? -1) >= 0;

function toNames(value: JsonValue): JsonValue | undefined {
  if (!Array.isArray(value)) return undefined;
  const names = [...new Set(value.filter((name) => typeof name === 'string'))];
  return names.length === value.length ? value : names;
}
