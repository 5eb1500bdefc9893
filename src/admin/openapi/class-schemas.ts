import { Logger, type Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { cleanDetail } from '#lib/mcp-protocol';
import { transformMetadata as classTransformerMetadataStorage } from '#lib/validation';

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
 * The schemas of all classes with rules of class-validator, by name. They refer to each other below `refPointerPrefix`. Of classes with
 * the same name the one that was loaded first counts: no class of an extension replaces one of the gateway.
 */
export function schemasOfAllClasses(refPointerPrefix: string): Schemas {
  const { validationMetadatas } = getMetadataStorage() as unknown as {
    readonly validationMetadatas: Map<unknown, unknown>;
  };
  const classes = [...validationMetadatas.keys()].filter((target) => typeof target === 'function') as Type<object>[];
  const byName = classes.toReversed().map((type) => [type.name, type] as const);
  return Object.fromEntries(
    Array.from(new Map(byName), ([name, type]) => [name, schemaOfClass(type, refPointerPrefix)]),
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
    return withoutBuiltIns(
      targetConstructorToSchema(type, { refPointerPrefix, classTransformerMetadataStorage }),
      refPointerPrefix,
    );
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

/**
 * A member whose rules say nothing about its type may have any value. The converter refers to a schema of the class that the
 * compiler has recorded for it: `Object`, or `Array` for a rule about each item.
 */
const withoutBuiltIns = <T>(schema: T, refPointerPrefix: string): T =>
  ['Object', 'Array'].reduce<T>(
    (rest, name) => JSON.parse(JSON.stringify(rest).replaceAll(`{"$ref":"${refPointerPrefix}${name}"}`, '{}')) as T,
    schema,
  );
