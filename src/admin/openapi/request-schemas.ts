import type { Type } from '@nestjs/common';
import { isJsonObject } from '#lib/mcp-protocol';
import type { EntryClasses } from './route-description.js';
import type { AdminRoute } from './routes.js';

type Schemas = Record<string, unknown>;
interface ObjectSchema {
  readonly properties?: Schemas;
}

const REFERENCE = /"#\/components\/schemas\/(\w+)"/g;

/** Of the body that a route takes. */
export const requestRef = (route: AdminRoute, body: Type): Schemas => ref(nameOf(route, body));

/** What is sent, and whatever that refers to. `known`: what is known of classes that are validated. */
export function requestSchemas(routes: readonly AdminRoute[], known: Schemas): Schemas {
  const schemas: Schemas = {};
  for (const route of routes) if (route.body) Object.assign(schemas, schemasOf(route, route.body, known));
  const wanted = referencesIn(schemas);
  for (const name of wanted) {
    if (schemas[name]) continue;
    schemas[name] = closed(known[name]);
    wanted.push(...referencesIn(schemas[name]));
  }
  return schemas;
}

function schemasOf(route: AdminRoute, body: Type, known: Schemas): Schemas {
  const { entries } = route;
  const schema = closed(known[body.name]) as ObjectSchema;
  if (!entries || schema.properties?.['entry'] === undefined) return { [body.name]: schema };
  const properties = { ...schema.properties, entry: ref(formName(entries)) };
  return {
    [nameOf(route, body)]: { ...schema, properties },
    ...(entries.classes.length > 1 && { [formName(entries)]: { oneOf: entries.classes.map(({ name }) => ref(name)) } }),
  };
}

/** `NewEntry` of servers is a `NewServer`. */
const nameOf = ({ entries }: AdminRoute, { name }: Type): string =>
  entries ? name.replace('Entry', entries.name) : name;

const formName = ({ name, classes: [first, ...others] }: EntryClasses): string =>
  first && others.length === 0 ? first.name : `${name}Entry`;

const ref = (name: string): Schemas => ({ $ref: `#/components/schemas/${name}` });

/** What no form knows is a mistake. */
function closed(schema: unknown): Schemas {
  if (!isJsonObject(schema)) throw new Error('A body refers to a class that nothing validates.');
  return { ...schema, additionalProperties: false };
}

const referencesIn = (schemas: unknown): string[] =>
  Array.from(JSON.stringify(schemas).matchAll(REFERENCE), ([, name = '']) => name);
