import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { findMedia, isEventStream, isJsonType, isWildcard } from './media.js';
import { ImportFault, type ReferenceResolver } from './reference-resolver.js';

/** What the successful responses of an operation contain. */
export interface ExpectedResult {
  /** The schema of the JSON of a single success response. */
  readonly schema?: JsonValue;
  /** Media types to request, when JSON alone would not do. */
  readonly accept?: string;
}

const MAX_TYPES = 5;

/** Reads the success responses of an operation. @throws ImportFault for one that never ends */
export function readResult(operation: JsonObject, references: ReferenceResolver): ExpectedResult {
  const responses = isJsonObject(operation['responses']) ? operation['responses'] : {};
  const successes = Object.entries(responses).filter(([status]) => /^2(?:\d\d|XX)$/i.test(status));
  const contents = successes.map(([, response]) => references.dereference(response)?.['content']);
  const types = [...new Set(contents.flatMap((content) => (isJsonObject(content) ? Object.keys(content) : [])))];
  if (types.length > 0 && types.every(isEventStream)) throw new ImportFault('its response is an event stream');
  const [only] = contents;
  const media = contents.length === 1 ? findMedia(only, references) : undefined;
  const isJson = media !== undefined && isJsonType(media.type);
  return { ...(isJson && { schema: media.schema }), ...toAccept(types) };
}

function toAccept(types: readonly string[]): { accept?: string } {
  const usable = types.filter((type) => /^[\w.+-]+\/[\w.+-]+$/.test(type) && !isEventStream(type));
  if (usable.length === 0 || types.some(isWildcard) || usable.includes('application/json')) return {};
  const ordered = usable.toSorted((one, other) => Number(isJsonType(other)) - Number(isJsonType(one)));
  return { accept: [...ordered.slice(0, MAX_TYPES), '*/*;q=0.8'].join(', ') };
}
