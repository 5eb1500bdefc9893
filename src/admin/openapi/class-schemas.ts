import { Logger, type Type } from '@nestjs/common';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { cleanDetail } from '#lib/mcp-protocol';
import { transformMetadata as classTransformerMetadataStorage } from '#lib/validation';
import { classesWithRules, CONVERTERS, schemaNameOf } from './schema-names.js';

export type Schemas = Record<string, unknown>;
type ClassSchema = ReturnType<typeof targetConstructorToSchema>;

/** Path of the schemas in an OpenAPI document. */
export const COMPONENTS = '#/components/schemas/';

/** Stands for what cannot be described. */
export const ANY_OBJECT = { type: 'object', additionalProperties: true } as const;

const logger = new Logger('OpenApi');
/** Names of classes that were reported. */
const reported = new Set<string>();

/**
 * The schemas of all classes with rules of class-validator, by schema name. They refer to each other below
 * `refPointerPrefix`.
 */
export function schemasOfAllClasses(refPointerPrefix: string): Schemas {
  return Object.fromEntries(
    classesWithRules().map((type) => [schemaNameOf(type), schemaOfClass(type, refPointerPrefix)]),
  );
}

/**
 * The schema of one class. It refers to those of other classes below `refPointerPrefix`. Decorators of an extension may state what the
 * generator cannot describe: any object stands for its class, and the log names it.
 *
 * @param use what the class is for, such as `the kind "grpc"`
 */
export function schemaOfClass(type: Type<object>, refPointerPrefix: string, use?: string): ClassSchema {
  try {
    const schema = targetConstructorToSchema(type, {
      refPointerPrefix,
      classTransformerMetadataStorage,
      additionalConverters: CONVERTERS,
    });
    // Decorators may have put a value into the schema that JSON cannot express.
    JSON.stringify(schema);
    return schema;
  } catch (cause) {
    const why = `cannot be described by a JSON Schema (${String(cause)}). Correct its decorators.`;
    reportOnce(type.name, `The class ${type.name}${use === undefined ? '' : ` of ${use}`} ${why}`);
    return { ...ANY_OBJECT };
  }
}

/** The schema of a class that another one refers to. It has none if it has no rules. */
export function findReferenced(known: Schemas, name: string): unknown {
  if (known[name] !== undefined) return known[name];
  reportOnce(name, `The class ${name} has no rules of class-validator, so that no JSON Schema describes it. Add them.`);
  return ANY_OBJECT;
}

/** Forbids unknown members, because validation rejects them too. */
export const toClosed = (schema: object): Schemas => ({ additionalProperties: false, ...schema });

function reportOnce(name: string, fault: string): void {
  if (reported.has(name)) return;
  reported.add(name);
  logger.warn(`${cleanDetail(fault)} Until then, the admin API describes it as any object.`);
}
