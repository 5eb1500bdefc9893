import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** The result of a tool call (specification: Tools, "Tool Result"). */
export interface ToolAnswer {
  readonly content?: readonly JsonObject[];
  readonly structuredContent?: JsonValue;
  readonly isError?: boolean;
}

/** The readable form of a result: its texts, and a note for content that is no text. */
export function toAnswerText({ content = [], structuredContent }: ToolAnswer): string {
  const texts = content.map(toText);
  if (texts.length === 0 && structuredContent !== undefined) return JSON.stringify(structuredContent, null, 2);
  return texts.join('\n');
}

function toText(block: JsonObject): string {
  const { type, text, resource, uri, mimeType, data } = block;
  if (typeof text === 'string') return text;
  if (isJsonObject(resource))
    return typeof resource['text'] === 'string' ? resource['text'] : toNote('resource', resource['uri']);
  if (type === 'resource_link') return toNote('resource', uri);
  const size = typeof data === 'string' ? `${Math.floor((data.length * 3) / 4)} bytes` : undefined;
  return toNote(typeof type === 'string' ? type : 'content', mimeType, size);
}

const toNote = (kind: string, ...details: readonly (JsonValue | undefined)[]): string =>
  `[${[kind, ...details.filter((detail) => typeof detail === 'string')].join(', ')}; --json prints it]`;
