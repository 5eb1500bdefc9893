import { isUtf8 } from 'node:buffer';

/** One dispatched event of a server-sent event stream. */
export interface SseEvent {
  /** `message` when the server sent no event type. */
  readonly type: string;
  readonly data: string;
  /** Latest reconnection delay that the server requested, in milliseconds. */
  readonly retryMs?: number | undefined;
}

/** An event, or one of its lines, exceeds the maximum size. */
export class SseOverflow extends Error {
  override readonly name = 'SseOverflow';
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/** Replaces a line that is not valid UTF-8. It is not valid JSON, so it never becomes a message. */
const UNREADABLE = '\uFFFD';

/** The id is returned in a header; a longer id is ignored. */
const MAX_ID_CHARS = 1_024;

/** Range of reconnection delays in milliseconds; the delay that a server requests is clamped to it. */
const RETRY_RANGE_MS = { min: 100, max: 60_000 };

/**
 * Parses a server-sent event stream incrementally (WHATWG HTML, section 9.2.6). Buffers at most one unfinished event of
 * at most `maxEventBytes`.
 */
export class SseParser {
  /** Id of the last event that was dispatched or that consisted of an id only. */
  lastEventId: string | undefined;
  /** Reconnection delay that the server requested, in milliseconds. */
  retryMs: number | undefined;

  private unfinished: Buffer[] = [];
  private unfinishedBytes = 0;
  private isFirstLine = true;
  private endedWithCarriageReturn = false;
  private type = '';
  private data: string | undefined;
  private id: string | undefined;

  constructor(private readonly maxEventBytes: number) {}

  /** Returns the events that the chunk completes. Throws SseOverflow; the parser must not be used afterwards. */
  push(chunk: Buffer): SseEvent[] {
    const events: SseEvent[] = [];
    let from = this.endedWithCarriageReturn && chunk[0] === LINE_FEED ? 1 : 0;
    if (chunk.length > 0) this.endedWithCarriageReturn = chunk[chunk.length - 1] === CARRIAGE_RETURN;
    const hasReturns = chunk.includes(CARRIAGE_RETURN, from);
    while (from < chunk.length) {
      const end = hasReturns ? endOfLine(chunk, from) : chunk.indexOf(LINE_FEED, from);
      if (end === -1) break;
      this.endLine(chunk.subarray(from, end), events);
      const isPair = chunk[end] === CARRIAGE_RETURN && chunk[end + 1] === LINE_FEED;
      from = isPair ? end + 2 : end + 1;
    }
    if (from < chunk.length) this.buffer(chunk.subarray(from));
    return events;
  }

  private buffer(rest: Buffer): void {
    this.checkSize(rest.length);
    this.unfinished.push(rest);
    this.unfinishedBytes += rest.length;
  }

  private endLine(rest: Buffer, events: SseEvent[]): void {
    const line = this.unfinishedBytes === 0 ? rest : Buffer.concat([...this.unfinished, rest]);
    this.unfinished = [];
    this.unfinishedBytes = 0;
    const bytes =
      this.isFirstLine && line.indexOf(BYTE_ORDER_MARK) === 0 ? line.subarray(BYTE_ORDER_MARK.length) : line;
    this.isFirstLine = false;
    if (bytes.length === 0) this.dispatch(events);
    else this.field(isUtf8(bytes) ? bytes.toString('utf8') : toUnreadableField(bytes));
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.startsWith(' ', colon + 1) ? colon + 2 : colon + 1);
    if (name === 'data') {
      this.checkSize(value.length);
      this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    } else if (name === 'event') this.type = value;
    else if (name === 'id' && value.length <= MAX_ID_CHARS && !value.includes('\0')) this.id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) {
      this.retryMs = Math.min(RETRY_RANGE_MS.max, Math.max(RETRY_RANGE_MS.min, Number(value)));
    }
  }

  private dispatch(events: SseEvent[]): void {
    if (this.id !== undefined) this.lastEventId = this.id;
    if (this.data !== undefined) {
      const { data, retryMs } = this;
      events.push({ type: this.type === '' ? 'message' : this.type, data, ...(retryMs !== undefined && { retryMs }) });
    }
    this.type = '';
    this.data = undefined;
    this.id = undefined;
  }

  private checkSize(incoming: number): void {
    const buffered = this.unfinishedBytes + (this.data?.length ?? 0) + this.type.length;
    if (buffered + incoming > this.maxEventBytes) {
      throw new SseOverflow(`An event is larger than ${this.maxEventBytes} bytes`);
    }
  }
}

function endOfLine(chunk: Buffer, from: number): number {
  for (let index = from; index < chunk.length; index++) {
    if (chunk[index] === LINE_FEED || chunk[index] === CARRIAGE_RETURN) return index;
  }
  return -1;
}

/** Preserves the name of the field, so that the event is dispatched and its data can be rejected. */
function toUnreadableField(line: Buffer): string {
  const colon = line.indexOf(':');
  return colon === -1 ? UNREADABLE : `${line.toString('latin1', 0, colon)}:${UNREADABLE}`;
}
