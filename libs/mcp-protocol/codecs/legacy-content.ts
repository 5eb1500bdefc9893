import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { AUDIO_SINCE, RESOURCE_LINK_SINCE } from './revisions.js';

/** The content blocks of a result in the words of an older revision; the same object when nothing changes. */
export function withContentOf(revision: string, method: string, result: JsonObject): JsonObject {
  if (revision >= RESOURCE_LINK_SINCE) return result;
  if (method === 'tools/call') return replaced(result, 'content', eachBlock(revision, result['content']));
  if (method === 'prompts/get') return replaced(result, 'messages', eachMessage(revision, result['messages']));
  return result;
}

function replaced(holder: JsonObject, member: string, value: JsonValue | undefined): JsonObject {
  return value === undefined || value === holder[member] ? holder : { ...holder, [member]: value };
}

function eachBlock(revision: string, blocks: JsonValue | undefined): JsonValue | undefined {
  return Array.isArray(blocks) ? mapUnlessSame(blocks, (block, index) => blockIn(revision, block, index)) : blocks;
}

function eachMessage(revision: string, messages: JsonValue | undefined): JsonValue | undefined {
  if (!Array.isArray(messages)) return messages;
  return mapUnlessSame(messages, (message, index) => {
    if (!isJsonObject(message) || message['content'] === undefined) return message;
    return replaced(message, 'content', blockIn(revision, message['content'], index));
  });
}

function mapUnlessSame(items: JsonValue[], change: (item: JsonValue, index: number) => JsonValue): JsonValue[] {
  const changed = items.map(change);
  return changed.every((item, index) => item === items[index]) ? items : changed;
}

function blockIn(revision: string, block: JsonValue, index: number): JsonValue {
  if (!isJsonObject(block)) return block;
  if (block['type'] === 'audio' && revision < AUDIO_SINCE) return embeddedAudio(block, index);
  if (block['type'] === 'resource_link' && revision < RESOURCE_LINK_SINCE) return linkAsText(block);
  return block;
}

/** Loses nothing: the sound travels as a blob. The address only tells the sounds of one result apart. */
function embeddedAudio(block: JsonObject, index: number): JsonObject {
  const { type: _type, data, mimeType, ...rest } = block;
  return { ...rest, type: 'resource', resource: { uri: `audio://content/${index}`, mimeType, blob: data } };
}

function linkAsText(block: JsonObject): JsonObject {
  const { annotations } = block;
  const told = [block['title'] ?? block['name'], block['uri'], block['description']];
  const text = told.filter((part) => typeof part === 'string' && part !== '').join('\n');
  return annotations === undefined ? { type: 'text', text } : { type: 'text', text, annotations };
}
