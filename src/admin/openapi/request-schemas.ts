import type { Type } from '@nestjs/common';
import { isJsonObject } from '#lib/mcp-protocol';
import { findReferenced, toClosed } from './class-schemas.js';
import type { EntryClasses } from './route-description.js';
import type { AdminRoute } from './routes.js';

type Schemas = Record<string, unknown>;
interface ObjectSchema {
  readonly properties?: Schemas;
}

const REFERENCE = /"#\/components\/schemas\/(\w+)"/g;

/** Returns a reference to the schema of a request body. */
export const requestRef = (route: AdminRoute, body: Type): Schemas => ref(bodySchemaName(route, body));

/**
 * Returns the schemas of all request bodies and of everything they reference. `known`: the schemas of all validated classes;
 * `given`: schemas that no class has.
 */
export function requestSchemas(routes: readonly AdminRoute[], known: Schemas, given: Schemas): Schemas {
  const schemas: Schemas = { ...given };
  for (const route of routes) if (route.body) Object.assign(schemas, bodySchemas(route, route.body, known));
  const pending = findReferences(schemas);
  for (const name of pending) {
    if (schemas[name]) continue;
    schemas[name] = toClosedSchema(findReferenced(known, name));
    pending.push(...findReferences(schemas[name]));
  }
  return schemas;
}

function bodySchemas(route: AdminRoute, body: Type, known: Schemas): Schemas {
  const { entries } = route;
  const schema = toClosedSchema(known[body.name]) as ObjectSchema;
  if (!entries || schema.properties?.['entry'] === undefined) return { [body.name]: schema };
  const properties = { ...schema.properties, entry: ref(entrySchemaName(entries)) };
  return {
    [bodySchemaName(route, body)]: { ...schema, properties },
    ...(entries.classes.length > 1 && {
      [entrySchemaName(entries)]: { oneOf: entries.classes.map(({ name }) => ref(name)) },
    }),
  };
}

/** The schema of `NewEntry` for servers is named `NewServer`. */
const bodySchemaName = ({ entries }: AdminRoute, { name }: Type): string =>
  entries ? name.replace('Entry', entries.name) : name;

const entrySchemaName = ({ name, classes: [first, ...others] }: EntryClasses): string =>
  first && others.length === 0 ? first.name : `${name}Entry`;

const ref = (name: string): Schemas => ({ $ref: `#/components/schemas/${name}` });

function toClosedSchema(schema: unknown): Schemas {
  if (!isJsonObject(schema)) throw new Error('A request body refers to a class without validation decorators.');
  return toClosed(schema);
}

const findReferences = (schemas: unknown): string[] =>
  Array.from(JSON.stringify(schemas).matchAll(REFERENCE), ([, name = '']) => name);
