import { isUtf8 } from 'node:buffer';

/** One dispatched event of a server-sent event stream. */
export interface SseEvent {
  /** `message` when the server sent no event type. */
  readonly type: string;
  readonly data: string;
  /** Latest reconnection delay that the server requested, in milliseconds. */
  readonly retryMs?: number | undefined;
}

/**
 * The stream exceeds a bound. `too_large`: an event, or one of its lines, exceeds the maximum size. `flooded`: too many bytes
 * belong to no message.
 */
export class SseOverflow extends Error {
  override readonly name = 'SseOverflow';

  constructor(readonly fault: 'too_large' | 'flooded') {
    super(fault);
  }
}

/**
 * Maximum number of bytes that belong to no message (comments, blank lines, ids, empty events), per interval. A budget for
 * the whole stream would end the stream of an honest server, which sends a comment every few seconds for days.
 */
const MAX_IDLE_BYTES = 1024 * 1024;
const IDLE_INTERVAL_MS = 60_000;

/** Bytes that each further line of an event costs at least, so that empty lines cannot fill the memory. */
const LINE_COST = 8;

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
  private data: string[] | undefined;
  private dataBytes = 0;
  private id: string | undefined;
  /** Bytes since the interval began that belong to no message. */
  private idleBytes = 0;
  /** Bytes of the current event that are not data. */
  private fieldBytes = 0;
  private intervalStart: number;

  /** @param now current time in milliseconds, monotonic */
  constructor(
    private readonly maxEventBytes: number,
    private readonly now: () => number,
  ) {
    this.intervalStart = now();
  }

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
    if (this.idleBytes + this.fieldBytes > MAX_IDLE_BYTES) this.checkInterval();
  }

  private checkInterval(): void {
    const now = this.now();
    if (now - this.intervalStart < IDLE_INTERVAL_MS) throw new SseOverflow('flooded');
    this.intervalStart = now;
    this.idleBytes = 0;
    this.fieldBytes = 0;
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) {
      this.idleBytes += line.length;
      return;
    }
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.startsWith(' ', colon + 1) ? colon + 2 : colon + 1);
    if (name === 'data') return this.addData(value);
    this.fieldBytes += line.length;
    if (name === 'event') this.type = value;
    else if (name === 'id' && value.length <= MAX_ID_CHARS && !value.includes('\0')) this.id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) {
      this.retryMs = Math.min(RETRY_RANGE_MS.max, Math.max(RETRY_RANGE_MS.min, Number(value)));
    }
  }

  private addData(value: string): void {
    const cost = value.length + (this.data === undefined ? 0 : LINE_COST);
    this.checkSize(cost);
    this.dataBytes += cost;
    (this.data ??= []).push(value);
  }

  private dispatch(events: SseEvent[]): void {
    if (this.id !== undefined) this.lastEventId = this.id;
    if (this.data !== undefined) {
      const { data: lines, retryMs } = this;
      const data = lines.length === 1 ? (lines[0] ?? '') : lines.join('\n');
      events.push({ type: this.type === '' ? 'message' : this.type, data, ...(retryMs !== undefined && { retryMs }) });
    }
    if (!this.isMessage) this.idleBytes += this.fieldBytes + this.dataBytes + LINE_COST * (this.data?.length ?? 0) + 1;
    this.fieldBytes = 0;
    this.type = '';
    this.data = undefined;
    this.dataBytes = 0;
    this.id = undefined;
  }

  /** True if the current event is one that its receiver reads. */
  private get isMessage(): boolean {
    return this.dataBytes > 0 && (this.type === '' || this.type === 'message' || this.type === 'endpoint');
  }

  private checkSize(incoming: number): void {
    const buffered = this.unfinishedBytes + this.dataBytes + this.type.length;
    if (buffered + incoming > this.maxEventBytes) throw new SseOverflow('too_large');
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
