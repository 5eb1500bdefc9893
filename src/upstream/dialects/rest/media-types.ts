/** Media types as RFC 9110, 8.3.1 writes them; parameters are ignored. */
const MEDIA_TYPE = /^[ \t]*([\w.+*-]+\/[\w.+*-]+)[ \t]*(?:;|$)/;

/** Returns `type/subtype` in lower case, or undefined when it is absent or malformed. */
export const parseMediaType = (contentType: string | undefined): string | undefined =>
  MEDIA_TYPE.exec(contentType ?? '')?.[1]?.toLowerCase();

/** Returns whether content of this media type is JSON. */
export function isJsonMediaType(contentType: string): boolean {
  const type = parseMediaType(contentType);
  return type !== undefined && (type === 'application/json' || type.endsWith('+json') || type === 'text/json');
}

const TEXT_MEDIA_TYPES =
  /^(?:text\/.*|application\/(?:.*\+)?(?:xml|yaml|x-yaml|javascript|ecmascript|graphql|sdp|sql|toml|x-sh|csv|jsonl|jsonlines|json-seq|x-json-stream|stream\+json|x-www-form-urlencoded|x-ndjson|ndjson|x-jsonlines)|image\/svg\+xml|message\/.*)$/;

/** Returns whether content of this media type is text for people or programs that is not JSON. */
export const isTextMediaType = (type: string): boolean => TEXT_MEDIA_TYPES.test(type);
