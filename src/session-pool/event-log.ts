import { parseJson, type Outcome, type ReplyEvent, type RequestId } from '#lib/mcp-protocol';

/** The answer to a request, where it travels on a stream that carries more than one request's. */
export interface AnswerEvent {
  readonly kind: 'answer';
  readonly id: RequestId;
  readonly method: string;
  readonly outcome: Outcome;
  readonly eventId?: string;
}

export type StreamEvent = ReplyEvent | AnswerEvent;

/** What a client that comes back must be told. */
export type ReplayableEvent = Exclude<StreamEvent, { kind: 'interrupted' }>;

/** Takes the events of a session's stream; `end` when no more will come. */
export interface StreamSink {
  emit(event: StreamEvent): void | Promise<void>;
  end(): void;
}

/** What follows a known event on its stream. */
export interface Replay {
  readonly stream: number;
  /** Sequence number of the first event that follows; the others have the next ones. */
  readonly from: number;
  readonly events: readonly ReplayableEvent[];
}

/** An event as it is kept. */
export interface LogEntry {
  readonly stream: number;
  readonly sequence: number;
  readonly json: string;
  /** It is told without its id: only its own worker could go on from there. */
  isWithheld?: boolean;
}

/** Messages are as deep as they may be, and stand a few levels down in their events. */
const MAX_EVENT_DEPTH = 80;

/**
 * Keeps a session's events for clients that come back with `Last-Event-ID` (specification 2025: basic/transports,
 * Resumability and Redelivery). Bounded: the oldest events go first.
 */
export class EventLog {
  private readonly entries: LogEntry[] = [];
  private bytes = 0;

  constructor(
    private readonly maxEvents: number,
    private readonly maxBytes: number,
  ) {}

  /** Keeps an event under the id it will be sent with. */
  append(stream: number, sequence: number, event: ReplayableEvent): string {
    if (this.maxEvents > 0) this.add({ stream, sequence, json: JSON.stringify(event) });
    return toEventId({ stream, sequence });
  }

  /** Keeps an entry that the caller goes on with: its id may have to be withheld. */
  add(entry: LogEntry): void {
    this.entries.push(entry);
    this.bytes += entry.json.length;
    while (this.isOverCapacity) this.bytes -= this.entries.shift()?.json.length ?? 0;
  }

  /** What came after an event; undefined when that cannot be told without a gap. */
  readAfter(eventId: string): Replay | undefined {
    return replayAfter(this.entries, eventId);
  }

  /** All that is kept, oldest first. */
  get storedEntries(): readonly LogEntry[] {
    return this.entries;
  }

  /** The youngest event stays, however large it is. */
  private get isOverCapacity(): boolean {
    const { length } = this.entries;
    return length > this.maxEvents || (this.bytes > this.maxBytes && length > 1);
  }
}

/** What came after an event, among entries in the order of their streams; undefined when there would be a gap. */
export function replayAfter(entries: readonly LogEntry[], eventId: string): Replay | undefined {
  const known = /^(\d{1,9})-(\d{1,9})$/.exec(eventId);
  if (!known) return undefined;
  const [stream, sequence] = [Number(known[1]), Number(known[2])];
  const kept = entries.filter((entry) => entry.stream === stream && entry.sequence >= sequence);
  const later = kept.filter((entry) => entry.sequence > sequence);
  // Nothing that follows: then the event itself must be known, or it could be any.
  if (kept.length === 0 || later.some((entry, index) => entry.sequence !== sequence + 1 + index)) return undefined;
  return { stream, from: sequence + 1, events: later.map(toEvent) };
}

function toEvent(entry: LogEntry): ReplayableEvent {
  const event = parseJson(entry.json, MAX_EVENT_DEPTH) as unknown as ReplayableEvent;
  return entry.isWithheld ? event : { ...event, eventId: toEventId(entry) };
}

export const toEventId = ({ stream, sequence }: { stream: number; sequence: number }): string =>
  `${stream}-${sequence}`;
