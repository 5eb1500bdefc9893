import type { JsonObject } from '#lib/mcp-protocol';

export interface StreamedEvent {
  readonly id: string | undefined;
  readonly message: JsonObject;
}

/** The messages of an event stream as they come, each with its event id. */
export async function* eventsIn(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamedEvent, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = /^data: ?(\S.*)$/m.exec(block)?.[1];
      if (data !== undefined) yield { id: /^id: ?(.+)$/m.exec(block)?.[1], message: JSON.parse(data) as JsonObject };
    }
  }
  return undefined;
}
