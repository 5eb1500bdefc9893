/** The parts of which the schemas of responses are made. */
export type Schema = Readonly<Record<string, unknown>>;

export const text: Schema = { type: 'string' };
export const flag: Schema = { type: 'boolean' };
export const count: Schema = { type: 'integer', minimum: 0 };
export const amount: Schema = { type: 'number', minimum: 0 };
export const instant: Schema = { type: 'string', format: 'date-time' };
export const texts: Schema = { type: 'array', items: text };
export const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });

/** Defines an object. A member named `name?` is optional. */
export function object(members: Readonly<Record<string, Schema>>): Schema {
  const properties = Object.entries(members).map(([name, schema]) => [name.replace('?', ''), schema] as const);
  const required = Object.keys(members).filter((name) => !name.endsWith('?'));
  return { type: 'object', properties: Object.fromEntries(properties), required, additionalProperties: false };
}

export const named = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
