import { ownJsonBounds, parseJson, type Outcome, type ReplyEvent, type RequestId } from '#lib/mcp-protocol';

/** The answer to a request, on a stream that carries the answers of several requests. */
export interface AnswerEvent {
  readonly kind: 'answer';
  readonly id: RequestId;
  readonly method: string;
  readonly outcome: Outcome;
  readonly eventId?: string;
}

export type StreamEvent = ReplyEvent | AnswerEvent;

/** An event that a resuming client must receive if it missed it. */
export type ReplayableEvent = Exclude<StreamEvent, { kind: 'interrupted' }>;

/** Receives the events of a session's stream. `end` follows the last event. */
export interface StreamSink {
  emit(event: StreamEvent): void | Promise<void>;
  end(): void;
}

/** The events that follow a known event on its stream. */
export interface Replay {
  readonly stream: number;
  /** Sequence number of the first of these events. The numbers are consecutive. */
  readonly from: number;
  readonly events: readonly ReplayableEvent[];
}

/** A recorded event. */
export interface LogEntry {
  readonly stream: number;
  readonly sequence: number;
  readonly json: string;
  /** True if the event is sent without its id, because only this worker can resume from it. */
  isWithheld?: boolean;
}

/** The maximum depth of a message, plus the levels of the event that wraps it. */
const EVENT_BOUNDS = ownJsonBounds(80);

/**
 * Records a session's events for clients that resume with `Last-Event-ID` (specification 2025: basic/transports,
 * Resumability and Redelivery). Bounded: the oldest events are evicted first.
 */
export class EventLog {
  private readonly entries: LogEntry[] = [];
  private bytes = 0;

  constructor(
    private readonly maxEvents: number,
    private readonly maxBytes: number,
  ) {}

  /** Records an event and returns the id that it is sent with. */
  append(stream: number, sequence: number, event: ReplayableEvent): string {
    if (this.maxEvents > 0) this.add({ stream, sequence, json: JSON.stringify(event) });
    return toEventId({ stream, sequence });
  }

  /** Records an entry. The caller keeps a reference to it and may later withhold its id. */
  add(entry: LogEntry): void {
    this.entries.push(entry);
    this.bytes += entry.json.length;
    while (this.isOverCapacity) this.bytes -= this.entries.shift()?.json.length ?? 0;
  }

  /** Returns the events after the given one. Undefined if the log no longer holds all of them. */
  readAfter(eventId: string): Replay | undefined {
    return replayAfter(this.entries, eventId);
  }

  /** All recorded entries, oldest first. */
  get storedEntries(): readonly LogEntry[] {
    return this.entries;
  }

  /** The newest event is never evicted, however large it is. */
  private get isOverCapacity(): boolean {
    const { length } = this.entries;
    return length > this.maxEvents || (this.bytes > this.maxBytes && length > 1);
  }
}

/**
 * Returns the events after the given one; `entries` are in order within each stream. Undefined if there would be a gap.
 */
export function replayAfter(entries: readonly LogEntry[], eventId: string): Replay | undefined {
  const known = /^(\d{1,9})-(\d{1,9})$/.exec(eventId);
  if (!known) return undefined;
  const [stream, sequence] = [Number(known[1]), Number(known[2])];
  const candidates = entries.filter((entry) => entry.stream === stream && entry.sequence >= sequence);
  const later = candidates.filter((entry) => entry.sequence > sequence);
  // If no event follows, the given event itself must be recorded; otherwise its id could be arbitrary.
  if (candidates.length === 0 || later.some((entry, index) => entry.sequence !== sequence + 1 + index))
    return undefined;
  return { stream, from: sequence + 1, events: later.map(toEvent) };
}

function toEvent(entry: LogEntry): ReplayableEvent {
  const event = parseJson(entry.json, EVENT_BOUNDS) as unknown as ReplayableEvent;
  return entry.isWithheld ? event : { ...event, eventId: toEventId(entry) };
}

export const toEventId = ({ stream, sequence }: { stream: number; sequence: number }): string =>
  `${stream}-${sequence}`;
