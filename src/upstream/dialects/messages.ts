import {
  allowsBatches,
  JsonFault,
  parseServerMessage,
  readBatch,
  readMessage,
  toServerContent,
  type JsonObject,
  RpcCode,
  type JsonValue,
  type MessageReading,
} from '#lib/mcp-protocol';

/** Reads the messages of one text: one, or several when the revision supports batches. */
export function readMessages(text: string, revision: string): readonly MessageReading[] {
  let value: JsonValue;
  try {
    value = parseServerMessage(text);
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    return [{ kind: 'invalid', error: { code: RpcCode.parseError, message: cause.message } }];
  }
  return toMessageReadings(value, revision);
}

export function toMessageReadings(value: JsonValue, revision: string): readonly MessageReading[] {
  const batch = allowsBatches(revision) ? readBatch(value) : undefined;
  return batch === undefined ? [readServerMessage(value)] : batch.map((member) => readServerMessage(member));
}

/** Classifies a message of a server. Its params contain no member that only the gateway may write. */
export function readServerMessage(value: JsonValue): MessageReading {
  const reading = readMessage(value);
  if (reading.kind === 'notification') return { kind: 'notification', message: withServerParams(reading.message) };
  return reading.kind === 'request' ? { kind: 'request', message: withServerParams(reading.message) } : reading;
}

function withServerParams<Message extends { readonly params?: JsonObject }>(message: Message): Message {
  const { params } = message;
  const cleaned = params && toServerContent(params);
  return cleaned === params ? message : { ...message, params: cleaned };
}

/** Says what is wrong with an event of a server's stream that holds no message. */
export const describeInvalidEvent = (reading: Extract<MessageReading, { kind: 'invalid' }> | undefined): string =>
  reading?.error.code === RpcCode.parseError
    ? `an event cannot be read (${reading.error.message.slice(0, -1)})`
    : 'an event is not a JSON-RPC message';
