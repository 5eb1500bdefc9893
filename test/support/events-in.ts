import type { JsonObject } from '#lib/mcp-protocol';

export interface StreamedEvent {
  readonly id: string | undefined;
  readonly message: JsonObject;
}

/**
 * Yields the messages of an event stream with their event ids. `onId` receives all ids, including those of events
 * without a message: a stream starts with such an id, so that a client can resume before the first message.
 */
export async function* eventsIn(
  body: AsyncIterable<Uint8Array>,
  onId: (id: string) => void = () => undefined,
): AsyncGenerator<StreamedEvent, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const id = /^id: ?(.+)$/m.exec(block)?.[1];
      if (id !== undefined) onId(id);
      const data = /^data: ?(\S.*)$/m.exec(block)?.[1];
      if (data !== undefined) yield { id, message: JSON.parse(data) as JsonObject };
    }
  }
  return undefined;
}
