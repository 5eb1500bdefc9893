/** One dispatched event of a server-sent event stream. */
export interface SseEvent {
  /** `message` when the server named none. */
  readonly type: string;
  readonly data: string;
}

/** An event, or one line of it, is larger than allowed. */
export class SseOverflow extends Error {
  override readonly name = 'SseOverflow';
}

const LINE_END = /\r\n|\n|\r/;

/** An id goes back in a header; a longer one is not kept. */
const MAX_ID_CHARS = 1_024;

/** Delays that a server may ask for, in milliseconds; anything else is brought into this range. */
const RETRY_RANGE_MS = { least: 100, most: 60_000 };

/**
 * Parses a server-sent event stream as it arrives (WHATWG HTML, section 9.2.6). Holds at most one unfinished event,
 * and no more than `maxEventChars` of it.
 */
export class SseParser {
  /** Id of the last event that was dispatched, or that only carried an id. */
  lastEventId: string | undefined;
  /** Reconnection delay that the server asked for. */
  retryMs: number | undefined;

  private readonly decoder = new TextDecoder();
  private line = '';
  private endedWithCarriageReturn = false;
  private type = '';
  private data: string | undefined;
  private id: string | undefined;

  constructor(private readonly maxEventChars: number) {}

  /** Returns the events that the chunk completes. Throws SseOverflow; the parser is of no use afterwards. */
  push(chunk: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    let text = this.decoder.decode(chunk, { stream: true });
    if (text === '') return events;
    if (this.endedWithCarriageReturn && text.startsWith('\n')) text = text.slice(1);
    this.endedWithCarriageReturn = text.endsWith('\r');
    this.split(text, events);
    return events;
  }

  private split(text: string, events: SseEvent[]): void {
    const lines = text.split(LINE_END);
    const unfinished = lines.pop() ?? '';
    for (const part of lines) {
      const line = this.line + part;
      this.line = '';
      if (line === '') this.dispatch(events);
      else this.field(line);
    }
    this.line += unfinished;
    this.guard(this.line.length);
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.startsWith(' ', colon + 1) ? colon + 2 : colon + 1);
    if (name === 'data') {
      this.guard(value.length);
      this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    } else if (name === 'event') this.type = value;
    else if (name === 'id' && value.length <= MAX_ID_CHARS && !value.includes('\0')) this.id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) {
      this.retryMs = Math.min(RETRY_RANGE_MS.most, Math.max(RETRY_RANGE_MS.least, Number(value)));
    }
  }

  private dispatch(events: SseEvent[]): void {
    if (this.id !== undefined) this.lastEventId = this.id;
    if (this.data !== undefined) events.push({ type: this.type === '' ? 'message' : this.type, data: this.data });
    this.type = '';
    this.data = undefined;
    this.id = undefined;
  }

  private guard(incoming: number): void {
    if ((this.data?.length ?? 0) + this.type.length + incoming > this.maxEventChars) {
      throw new SseOverflow(`An event is larger than ${this.maxEventChars} characters`);
    }
  }
}
