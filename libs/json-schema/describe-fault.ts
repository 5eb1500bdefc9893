import type { ErrorObject } from 'ajv';
import { unescapePointerPart } from '#lib/mcp-protocol';

const MAX_PATH_LENGTH = 100;
const MAX_LISTED_LENGTH = 200;

type Params = Readonly<Record<string, string>>;

/** The rule that a value breaks, by keyword, as the rest of a sentence whose subject is the argument. */
const RULES: Readonly<Record<string, (params: Params, schema: unknown) => string>> = {
  type: ({ type }) => `must be ${toTypeText(type)}.`,
  enum: ({ allowedValues }) => `must be one of ${list(allowedValues)}.`,
  const: ({ allowedValue }) => `must be ${list([allowedValue])}.`,
  minimum: ({ limit }) => `must be at least ${limit}.`,
  maximum: ({ limit }) => `must be at most ${limit}.`,
  exclusiveMinimum: ({ limit }) => `must be greater than ${limit}.`,
  exclusiveMaximum: ({ limit }) => `must be less than ${limit}.`,
  multipleOf: ({ multipleOf }) => `must be a multiple of ${multipleOf}.`,
  minLength: ({ limit }) => `must have at least ${limit} characters.`,
  maxLength: ({ limit }) => `must have at most ${limit} characters.`,
  pattern: ({ pattern }) => `must match the pattern ${cut(String(pattern))}.`,
  minItems: ({ limit }) => `must have at least ${limit} items.`,
  maxItems: ({ limit }) => `must have at most ${limit} items.`,
  uniqueItems: () => 'must not contain an item twice.',
  contains: () => 'lacks an item that the schema requires.',
  minProperties: ({ limit }) => `must have at least ${limit} members.`,
  maxProperties: ({ limit }) => `must have at most ${limit} members.`,
  anyOf: () => 'has none of the forms that the schema allows.',
  oneOf: () => 'must have exactly one of the forms that the schema allows.',
  not: () => 'has a form that the schema forbids.',
};

/** Names the argument and the rule of a validator's error. The validator's own words are not used. */
export function describeFault({ keyword, instancePath, params, schema }: ErrorObject): string {
  const path = toPath(instancePath);
  const member = (name: unknown) => toSubject(path === '' ? String(name) : `${path}.${String(name)}`);
  switch (keyword) {
    case 'required':
      return `${member(params['missingProperty'])} is missing.`;
    case 'dependentRequired':
      return `${member(params['missingProperty'])} is missing; ${member(params['property'])} requires it.`;
    case 'additionalProperties':
      return `${member(params['additionalProperty'])} is not allowed.`;
    case 'unevaluatedProperties':
      return `${member(params['unevaluatedProperty'])} is not allowed.`;
    case 'propertyNames':
      return `${member(params['propertyName'])} is not an allowed name.`;
    default: {
      const rule = Object.hasOwn(RULES, keyword) ? RULES[keyword] : undefined;
      return `${toSubject(path)} ${rule?.(params as Params, schema) ?? 'does not match the schema.'}`;
    }
  }
}

const toSubject = (path: string): string =>
  path === '' ? 'params.arguments' : `The argument ${path.slice(0, MAX_PATH_LENGTH).toWellFormed()}`;

/** Converts a JSON pointer (RFC 6901) to the notation of templates: `a.b[0]`. */
function toPath(pointer: string): string {
  const parts = pointer.split('/').slice(1);
  const names = parts.map(unescapePointerPart);
  return names.map((name, index) => (/^\d+$/.test(name) ? `[${name}]` : index === 0 ? name : `.${name}`)).join('');
}

function toTypeText(type: unknown): string {
  const types = Array.isArray(type) ? type.map(String) : String(type).split(',');
  return types.map((each) => ARTICLES[each] ?? each).join(' or ');
}

const ARTICLES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  integer: 'an integer',
  boolean: 'a boolean',
  array: 'an array',
  object: 'an object',
};

const list = (values: unknown): string =>
  cut(
    (Array.isArray(values) ? values : [values])
      .slice(0, 20)
      .map((value) => JSON.stringify(value))
      .join(', '),
  );

const cut = (text: string): string => (text.length > MAX_LISTED_LENGTH ? `${text.slice(0, MAX_LISTED_LENGTH)}…` : text);
