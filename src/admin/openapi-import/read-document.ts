import { CORE_SCHEMA, load, Type, YAMLException } from 'js-yaml';
import { isJsonObject, JsonFault, parseJson, type JsonObject } from '#lib/mcp-protocol';

/** The document cannot be read. The message says why. */
export class UnreadableDocument extends Error {
  override readonly name = 'UnreadableDocument';
}

/** Maximum length of a YAML text. Parsing takes about a second for three million characters, and blocks other work. */
const MAX_YAML_LENGTH = 8_000_000;
const MAX_VALUES = 4_000_000;
const MAX_DEPTH = 100;
const BOUNDS = {
  depth: MAX_DEPTH,
  membersOfObject: 100_000,
  members: 1_000_000,
  values: MAX_VALUES,
  longIntegers: 100_000,
  decimalDepth: Infinity,
};

const MERGE_KEY = new Type('tag:yaml.org,2002:merge', { kind: 'scalar', resolve: (text) => text === '<<' });
/** Without dates and binary values, which are texts in JSON. */
const SCHEMA = CORE_SCHEMA.extend({ implicit: [MERGE_KEY] });

/** Reads a document that is an object already, or a text in JSON or YAML. @throws UnreadableDocument */
export function readDocument(given: JsonObject | string): JsonObject {
  const document = typeof given === 'string' ? parse(given) : given;
  if (!isJsonObject(document)) throw new UnreadableDocument('The document must be an object.');
  const { openapi, swagger } = document;
  const isKnown = (typeof openapi === 'string' && /^3\.\d/.test(openapi)) || swagger === '2.0' || swagger === 2;
  if (isKnown) return typeof openapi === 'string' ? document : { ...document, swagger: '2.0' };
  throw new UnreadableDocument(
    'The document must be OpenAPI 3 or Swagger 2.0: its member openapi must be 3.0.0 or later, or its member swagger 2.0.',
  );
}

function parse(text: string): unknown {
  const isJson = /^\s*\{/.test(text);
  if (isJson) {
    try {
      return parseJson(text.replace(/^\uFEFF/, ''), BOUNDS);
    } catch (cause) {
      // A flow mapping of YAML begins like JSON.
      if (!(cause instanceof JsonFault) || cause.reason !== 'syntax') throw toUnreadable(cause);
    }
  }
  if (text.length > MAX_YAML_LENGTH) {
    throw new UnreadableDocument(
      `A document in YAML may have at most ${MAX_YAML_LENGTH} characters. Convert it to JSON.`,
    );
  }
  try {
    const value = load(text, { schema: SCHEMA, json: true });
    checkSize(value, { values: 0 }, MAX_DEPTH);
    return value;
  } catch (cause) {
    throw toUnreadable(cause);
  }
}

/** Aliases can refer to what contains them, and can multiply a value beyond any size. */
function checkSize(value: unknown, counted: { values: number }, levels: number): void {
  counted.values += 1;
  if (counted.values > MAX_VALUES || levels === 0) {
    throw new UnreadableDocument('The document is too large or too deep once its aliases are replaced.');
  }
  if (typeof value !== 'object' || value === null) return;
  for (const each of Object.values(value)) checkSize(each, counted, levels - 1);
}

function toUnreadable(cause: unknown): unknown {
  if (cause instanceof JsonFault) return new UnreadableDocument(`The document cannot be read. ${cause.message}`);
  if (!(cause instanceof YAMLException)) return cause;
  const { mark } = cause;
  const where = mark ? ` at line ${mark.line + 1}` : '';
  return new UnreadableDocument(`The document is neither JSON nor YAML: ${cause.reason}${where}.`);
}
