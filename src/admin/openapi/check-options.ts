import type { GuardrailCheckOptions } from '#lib/extension-kit';
import type { KnownChecks } from '../../registry/index.js';
import {
  COMPONENTS,
  findReferenced,
  schemaOfClass,
  schemasOfAllClasses,
  toClosed,
  type Schemas,
} from './class-schemas.js';

/** Path of the schemas of nested classes in a schema that stands alone (JSON Schema 2020-12, 8.2.4). */
const DEFINITIONS = '#/$defs/';
const DEFINITION = /"#\/\$defs\/(\w+)"/g;

/** Returns the JSON Schema of the options of a check. It refers to nothing outside itself. */
export function optionsSchemaOf(check: GuardrailCheckOptions): Schemas {
  const schema = toSchema(check, DEFINITIONS);
  const pending = findDefinitions(schema);
  if (pending.length === 0) return schema;
  const known = schemasOfAllClasses(DEFINITIONS);
  const definitions: Schemas = {};
  for (const name of pending) {
    if (definitions[name] !== undefined) continue;
    definitions[name] = toClosed(findReferenced(known, name) as object);
    pending.push(...findDefinitions(definitions[name]));
  }
  return { ...schema, $defs: definitions };
}

/** The schemas of an OpenAPI document for the options of guardrails: one for each check, and `GuardrailOptions` for all. */
export function guardrailOptionSchemas(checks: KnownChecks): Schemas {
  const all = checks.list().map((check) => [`${toPascalCase(check.name)}GuardrailOptions`, check] as const);
  const schemas = all.map(([name, check]) => [
    name,
    { title: `Options of the check ${check.name}`, ...toSchema(check, COMPONENTS) },
  ]);
  const description = 'The options of the check that the guardrail names.';
  const anyOf = all.map(([name]) => ({ $ref: `#/components/schemas/${name}` }));
  const perCheck = Object.fromEntries(schemas) as Schemas;
  return {
    ...perCheck,
    GuardrailOptions: { description, ...(anyOf.length > 0 ? { anyOf } : { type: 'object' }) },
  };
}

function toSchema({ name, options }: GuardrailCheckOptions, refPointerPrefix: string): Schemas {
  if (!options) return toClosed({ type: 'object', properties: {} });
  return toClosed(schemaOfClass(options, refPointerPrefix, `the check "${name}"`));
}

const findDefinitions = (schema: unknown): string[] =>
  Array.from(JSON.stringify(schema).matchAll(DEFINITION), ([, name = '']) => name);

const toPascalCase = (name: string): string =>
  name.replaceAll(/(?:^|-)(\w)/g, (_all, letter: string) => letter.toUpperCase());
