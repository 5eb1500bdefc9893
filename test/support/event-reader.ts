import type { JsonObject } from '#lib/mcp-protocol';

export interface SseEvent {
  readonly id?: string;
  readonly type?: string;
  readonly data: string;
}

/** Reads the events of an event stream. */
export class EventReader {
  readonly events: SseEvent[] = [];
  comments = 0;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly decoder = new TextDecoder();
  private text = '';
  private position = 0;
  private ended = false;

  constructor(readonly response: Response) {
    if (!response.body) throw new Error('The answer has no body');
    this.reader = response.body.getReader();
  }

  /** The next event, or undefined at the end of the stream. */
  async next(): Promise<SseEvent | undefined> {
    while (this.events.length === this.position && (await this.readMore()));
    const event = this.events[this.position];
    if (event) this.position += 1;
    return event;
  }

  /** The next event as a message, skipping those without data. */
  async message(): Promise<JsonObject> {
    for (;;) {
      const event = await this.next();
      if (!event) throw new Error('The stream is over');
      if (event.data !== '') return JSON.parse(event.data) as JsonObject;
    }
  }

  /** All remaining messages. */
  async rest(): Promise<JsonObject[]> {
    while (await this.readMore());
    const rest = this.events.slice(this.position);
    this.position = this.events.length;
    return rest.flatMap(({ data }) => (data === '' ? [] : [JSON.parse(data) as JsonObject]));
  }

  async comment(): Promise<void> {
    const before = this.comments;
    while (this.comments === before && (await this.readMore()));
  }

  cancel(): Promise<void> {
    return this.reader.cancel();
  }

  /** Returns false at the end of the stream. */
  private async readMore(): Promise<boolean> {
    if (this.ended) return false;
    const { done, value } = await this.reader.read();
    this.ended = done;
    this.text += this.decoder.decode(value, { stream: !done });
    const blocks = this.text.split('\n\n');
    this.text = blocks.pop() ?? '';
    for (const block of blocks) this.addBlock(block);
    return !done;
  }

  private addBlock(block: string): void {
    if (block.startsWith(':')) {
      this.comments += 1;
      return;
    }
    const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2)));
    const { id, event, data = '' } = fields as { id?: string; event?: string; data?: string };
    this.events.push({ ...(id !== undefined && { id }), ...(event !== undefined && { type: event }), data });
  }
}
