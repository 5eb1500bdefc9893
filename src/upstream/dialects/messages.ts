import {
  allowsBatches,
  parseJson,
  readBatch,
  readMessage,
  type JsonValue,
  type MessageReading,
} from '#lib/mcp-protocol';

const NOT_JSON: MessageReading = { kind: 'invalid', error: { code: -32700, message: 'Parse error' } };

/** Reads the messages of one text: one, or several when the revision supports batches. */
export function readMessages(text: string, revision: string): readonly MessageReading[] {
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch {
    return [NOT_JSON];
  }
  return toMessageReadings(value, revision);
}

export function toMessageReadings(value: JsonValue, revision: string): readonly MessageReading[] {
  const batch = allowsBatches(revision) ? readBatch(value) : undefined;
  return batch === undefined ? [readMessage(value)] : batch.map((member) => readMessage(member));
}
