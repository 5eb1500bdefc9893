import type { RequestId, Outcome, ReplyEvent } from '#lib/mcp-protocol';

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
export type KeptEvent = Exclude<StreamEvent, { kind: 'interrupted' }>;

/** Takes the events of a session's stream; `end` when no more will come. */
export interface StreamSink {
  emit(event: StreamEvent): void | Promise<void>;
  end(): void;
}

/** What follows a known event on its stream. */
export interface Replay {
  readonly stream: number;
  readonly events: readonly KeptEvent[];
}

interface Entry {
  readonly stream: number;
  readonly sequence: number;
  readonly json: string;
}

/**
 * Keeps a session's events for clients that come back with `Last-Event-ID` (specification 2025: basic/transports,
 * Resumability and Redelivery). Bounded: the oldest events go first.
 */
export class EventLog {
  private readonly entries: Entry[] = [];
  private bytes = 0;

  constructor(
    private readonly maxEvents: number,
    private readonly maxBytes: number,
  ) {}

  /** Keeps an event under the id it will be sent with. */
  append(stream: number, sequence: number, event: KeptEvent): string {
    if (this.maxEvents > 0) this.keep({ stream, sequence, json: JSON.stringify(event) });
    return eventIdOf(stream, sequence);
  }

  /** What came after an event; undefined when that cannot be told without a gap. */
  after(eventId: string): Replay | undefined {
    const known = /^(\d{1,9})-(\d{1,9})$/.exec(eventId);
    if (!known) return undefined;
    const [stream, sequence] = [Number(known[1]), Number(known[2])];
    const kept = this.entries.filter((entry) => entry.stream === stream);
    if (!kept.some((entry) => entry.sequence === sequence || entry.sequence === sequence + 1)) return undefined;
    const events = kept
      .filter((entry) => entry.sequence > sequence)
      .map((entry) => ({ ...(JSON.parse(entry.json) as KeptEvent), eventId: eventIdOf(stream, entry.sequence) }));
    return { stream, events };
  }

  private keep(entry: Entry): void {
    this.entries.push(entry);
    this.bytes += entry.json.length;
    while (this.isOverfull) this.bytes -= this.entries.shift()?.json.length ?? 0;
  }

  /** The youngest event stays, however large it is. */
  private get isOverfull(): boolean {
    const { length } = this.entries;
    return length > this.maxEvents || (this.bytes > this.maxBytes && length > 1);
  }
}

const eventIdOf = (stream: number, sequence: number): string => `${stream}-${sequence}`;
