import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { ReferenceResolver } from './reference-resolver.js';

/** One entry of `content`. */
export interface Media {
  /** As the document writes it. */
  readonly type: string;
  readonly schema: JsonValue;
  readonly encoding: JsonObject;
}

const baseType = (type: string): string => (type.split(';')[0] ?? '').trim().toLowerCase();

export const isJsonType = (type: string): boolean =>
  /^(?:application|text)\/json$|^[\w.-]+\/[\w.+-]+\+json$/.test(baseType(type));
export const isWildcard = (type: string): boolean => /^(?:\*|application)\/\*$/.test(baseType(type));
export const isUrlEncoded = (type: string): boolean => baseType(type) === 'application/x-www-form-urlencoded';
export const isMultipartForm = (type: string): boolean => baseType(type) === 'multipart/form-data';
export const isMultipart = (type: string): boolean => baseType(type).startsWith('multipart/');
export const isText = (type: string): boolean =>
  /^text\/|^application\/(?:.*\+)?(?:xml|yaml|x-yaml|javascript|graphql|sdp|sql|toml|csv|jsonl|x-ndjson|ndjson)$|^image\/svg\+xml$/.test(
    baseType(type),
  );
export const isEventStream = (type: string): boolean => baseType(type) === 'text/event-stream';

/** In the order in which they are preferred: the first kinds say most about what the API expects. */
const KINDS = [
  (type: string) => baseType(type) === 'application/json',
  isJsonType,
  isWildcard,
  isUrlEncoded,
  isMultipartForm,
  isText,
  () => true,
];

/** Returns the entry of `content` that the gateway uses. */
export function findMedia(content: JsonValue | undefined, references: ReferenceResolver): Media | undefined {
  const types = isJsonObject(content) ? Object.keys(content) : [];
  const type = KINDS.map((isKind) => types.find(isKind)).find((each) => each !== undefined);
  if (type === undefined || !isJsonObject(content)) return undefined;
  const media = references.dereference(content[type]) ?? {};
  const { schema, encoding, itemSchema } = media;
  return { type, schema: schema ?? itemSchema ?? {}, encoding: isJsonObject(encoding) ? encoding : {} };
}
