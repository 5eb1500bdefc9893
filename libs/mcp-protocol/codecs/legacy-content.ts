import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { needsEnvelope, toEnvelope, toEnvelopeSchema } from './result-envelope.js';
import { AUDIO_SINCE, RESOURCE_LINK_SINCE } from './revisions.js';

/** Converts the content of a result for a legacy revision; returns the same object if nothing changes. */
export function toLegacyContent(revision: string, method: string, result: JsonObject): JsonObject {
  switch (method) {
    case 'tools/call':
      return toolResult(revision, result);
    case 'tools/list':
      return withMember(result, 'tools', mapItems(result['tools'], toolDefinition));
    case 'prompts/get':
      return withMember(result, 'messages', mapItems(result['messages'], promptMessage(revision)));
    default:
      return result;
  }
}

// A client would reject the whole result, or the whole list, for one member that is no object.
function toolResult(revision: string, result: JsonObject): JsonObject {
  const { structuredContent: structured, content } = result;
  const blocks = mapItems(content, (block, index) => toLegacyBlock(revision, block, index));
  if (structured === undefined || isJsonObject(structured)) return withMember(result, 'content', blocks);
  const shown = Array.isArray(blocks) ? blocks : [];
  const text: JsonValue[] = shown.some(isText) ? [] : [{ type: 'text', text: JSON.stringify(structured) }];
  return { ...result, structuredContent: toEnvelope(structured), content: [...shown, ...text] };
}

const isText = (block: JsonValue): boolean => isJsonObject(block) && block['type'] === 'text';

function toolDefinition(tool: JsonValue): JsonValue {
  const schema = isJsonObject(tool) ? tool['outputSchema'] : undefined;
  if (!isJsonObject(tool) || schema === undefined) return tool;
  if (needsEnvelope(schema)) return { ...tool, outputSchema: toEnvelopeSchema(schema) };
  if (isJsonObject(schema)) return tool;
  const { outputSchema: _dropped, ...rest } = tool;
  return rest;
}

function promptMessage(revision: string): (message: JsonValue, index: number) => JsonValue {
  return (message, index) => {
    if (!isJsonObject(message) || message['content'] === undefined) return message;
    return withMember(message, 'content', toLegacyBlock(revision, message['content'], index));
  };
}

function withMember(holder: JsonObject, member: string, value: JsonValue | undefined): JsonObject {
  return value === holder[member] ? holder : { ...holder, [member]: value };
}

/** Returns the same array if no item changed. */
function mapItems(
  items: JsonValue | undefined,
  change: (item: JsonValue, index: number) => JsonValue,
): JsonValue | undefined {
  if (!Array.isArray(items)) return items;
  const changed = items.map(change);
  return changed.every((item, index) => item === items[index]) ? items : changed;
}

function toLegacyBlock(revision: string, block: JsonValue, index: number): JsonValue {
  if (!isJsonObject(block)) return block;
  if (block['type'] === 'audio' && revision < AUDIO_SINCE) return toEmbeddedAudio(block, index);
  if (block['type'] === 'resource_link' && revision < RESOURCE_LINK_SINCE) return toTextBlock(block);
  return block;
}

/** Loses nothing: the audio becomes a blob. The URI only distinguishes the audio blocks of one result. */
function toEmbeddedAudio(block: JsonObject, index: number): JsonObject {
  const { type: _type, data, mimeType, ...rest } = block;
  return { ...rest, type: 'resource', resource: { uri: `audio://content/${index}`, mimeType, blob: data } };
}

function toTextBlock(block: JsonObject): JsonObject {
  const { annotations } = block;
  const parts = [block['title'] ?? block['name'], block['uri'], block['description']];
  const text = parts.filter((part): part is string => typeof part === 'string' && part !== '').join('\n');
  return annotations === undefined ? { type: 'text', text } : { type: 'text', text, annotations };
}
