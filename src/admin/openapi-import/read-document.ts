import { isJsonObject, JsonFault, parseJson, type JsonObject } from '#lib/mcp-protocol';
import { parseYaml } from './yaml-document.js';

/** The document cannot be read. The message says why. */
export class UnreadableDocument extends Error {
  override readonly name = 'UnreadableDocument';
}

/** Maximum length of a YAML text. Parsing takes about a second for three million characters. */
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

/** Reads a document that is an object already, or a text in JSON or YAML. @throws UnreadableDocument */
export async function readDocument(given: JsonObject | string): Promise<JsonObject> {
  const document = typeof given === 'string' ? await parse(given) : given;
  if (!isJsonObject(document)) throw new UnreadableDocument('The document must be an object.');
  const { openapi, swagger } = document;
  const isKnown = (typeof openapi === 'string' && /^3\.\d/.test(openapi)) || swagger === '2.0' || swagger === 2;
  if (isKnown) return typeof openapi === 'string' ? document : { ...document, swagger: '2.0' };
  throw new UnreadableDocument(
    'The document must be OpenAPI 3 or Swagger 2.0: its member openapi must be 3.0.0 or later, or its member swagger 2.0.',
  );
}

async function parse(text: string): Promise<unknown> {
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
  const parsed = await parseYaml(text, { depth: MAX_DEPTH, values: MAX_VALUES });
  if ('fault' in parsed) throw new UnreadableDocument(parsed.fault);
  return JSON.parse(parsed.json);
}

function toUnreadable(cause: unknown): unknown {
  return cause instanceof JsonFault ? new UnreadableDocument(`The document cannot be read. ${cause.message}`) : cause;
}
