import type { Outcome } from '#lib/mcp-protocol';
import type { EventArchive, StreamCall } from './event-archive.js';
import { EventLog, type LogEntry, type StreamSink } from './event-log.js';
import { EventsNoLongerKept } from './session-pool.errors.js';
import type { KeptStreams } from './session-record.js';
import { SessionStream, type StoreEntry } from './session-stream.js';

/** What the streams of a session are kept with. */
export interface StreamKeeping {
  readonly session: string;
  readonly replayEvents: number;
  readonly replayBytes: number;
  /** Absent where no other worker could go on with the session's streams. */
  readonly archive: EventArchive | undefined;
}

const NOT_STORED = Promise.resolve(false);

/** The streams of one session, and what was said on them. */
export class SessionStreams {
  /** The stream that belongs to no request. */
  standing: SessionStream | undefined;
  private readonly log: EventLog;
  private readonly open = new Map<number, SessionStream>();
  private readonly storeStanding: StoreEntry | undefined;
  private count = 0;
  private isArchived = false;
  private isSealed = false;

  constructor(
    private readonly keeping: StreamKeeping,
    kept?: KeptStreams,
  ) {
    this.log = new EventLog(keeping.replayEvents, keeping.replayBytes);
    this.storeStanding = this.storeFor();
    if (kept) this.restore(kept);
  }

  /** The stream of a call; it can be come back for from its first event on. */
  openReply(call: StreamCall, sink: StreamSink): SessionStream {
    const onOpen = (): void => void this.open.set(stream.key, stream);
    const stream = new SessionStream(++this.count, { log: this.log, store: this.storeFor(call), onOpen }, sink);
    return stream;
  }

  openStanding(sink: StreamSink): SessionStream {
    const standing = (this.standing ??= this.makeStanding(++this.count));
    standing.attach(sink);
    // Every connection learns an id to come back with, not only the first.
    void standing.emit({ kind: 'opened' });
    return standing;
  }

  /** Ends the stream of a call. The outcome gets an event id where it can be fetched once more. */
  close(stream: SessionStream, { requestId, method }: StreamCall, outcome: Outcome): Outcome | Promise<Outcome> {
    const answer = { kind: 'answer', id: requestId, method, outcome } as const;
    const concluded = stream.conclude(answer, () => void this.open.delete(stream.key));
    const told = (eventId: string | undefined): Outcome => (eventId === undefined ? outcome : { ...outcome, eventId });
    return concluded instanceof Promise ? concluded.then(told) : told(concluded);
  }

  /**
   * Continues a stream after an event. Undefined when all of it was said and there is nothing more to come.
   * @throws EventsNoLongerKept
   */
  resume(lastEventId: string, sink: StreamSink): SessionStream | undefined {
    const replay = this.log.after(lastEventId);
    if (!replay) throw new EventsNoLongerKept(lastEventId);
    const stream = this.open.get(replay.stream);
    if (stream) {
      stream.attach(sink, replay);
      return stream;
    }
    for (const event of replay.events) void sink.emit(event);
    sink.end();
    return undefined;
  }

  /** Nobody can come back any more: what other workers could find is taken away, and nothing is added. */
  forget(): void {
    this.isSealed = true;
    // What cannot be removed now goes by itself in time.
    if (this.isArchived) void this.keeping.archive?.forget(this.keeping.session).catch(() => undefined);
  }

  /** Ends them here for another worker to go on with; from now on only that one adds to what is stored. */
  giveUp(): KeptStreams {
    this.isSealed = true;
    const { standing } = this;
    standing?.cut();
    return {
      count: this.count,
      ...(standing && { standing: { key: standing.key, nextSequence: standing.nextSequence } }),
      events: this.log.kept.map((entry) => ({ ...entry })),
    };
  }

  private restore({ count, standing, events }: KeptStreams): void {
    this.count = count;
    this.isArchived = events.length > 0;
    for (const entry of events) this.log.keep({ ...entry });
    if (standing) this.standing = this.makeStanding(standing.key, standing.nextSequence);
  }

  private makeStanding(key: number, nextSequence = 0): SessionStream {
    const stream = new SessionStream(key, { log: this.log, store: this.storeStanding, nextSequence });
    this.open.set(key, stream);
    return stream;
  }

  private storeFor(call?: StreamCall): StoreEntry | undefined {
    const { archive, session } = this.keeping;
    if (!archive) return undefined;
    return ({ stream, sequence, json }: LogEntry) => {
      if (this.isSealed) return NOT_STORED;
      this.isArchived = true;
      const event = { stream, sequence, json, ...(call && { call }) };
      return archive.append(session, event).then(
        () => true,
        () => false,
      );
    };
  }
}
