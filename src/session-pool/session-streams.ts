import type { Outcome } from '#lib/mcp-protocol';
import type { EventArchive, StreamCall } from './event-archive.js';
import { EventLog, type LogEntry, type StreamSink } from './event-log.js';
import { ReplayUnavailable } from './session-pool.errors.js';
import type { StreamsSnapshot } from './session-record.js';
import { SessionStream, type StreamContext } from './session-stream.js';

/** What a call returns to its worker, and what its stream records for a client that resumes. */
export interface CallAnswer {
  readonly outcome: Outcome;
  readonly recorded: Outcome;
}

/** Bounds and archive of a session's streams. */
export interface StreamOptions {
  readonly session: string;
  readonly replayEvents: number;
  readonly replayBytes: number;
  /** Undefined if no other worker can continue the session's streams. */
  readonly archive: EventArchive | undefined;
}

const NOT_STORED = Promise.resolve(false);

/** The streams of one session and the events sent on them. */
export class SessionStreams implements StreamContext {
  /** The stream that belongs to no request. */
  standing: SessionStream | undefined;
  readonly log: EventLog;
  readonly store: StreamContext['store'];
  private readonly openStreams = new Map<number, SessionStream>();
  private count = 0;
  private isArchived = false;
  private isClosed = false;

  constructor(
    private readonly options: StreamOptions,
    snapshot?: StreamsSnapshot,
  ) {
    this.log = new EventLog(options.replayEvents, options.replayBytes);
    this.store = options.archive && ((entry, call) => this.storeEvent(entry, call));
    if (snapshot) this.restore(snapshot);
  }

  /** Opens the stream of a call. */
  openReply(call: StreamCall, sink: StreamSink): SessionStream {
    return new SessionStream(++this.count, this, sink, call);
  }

  onOpened(stream: SessionStream): void {
    this.openStreams.set(stream.key, stream);
  }

  openServerStream(sink: StreamSink): SessionStream {
    const standing = (this.standing ??= this.createServerStream(++this.count));
    standing.attach(sink);
    // Every connection, not only the first, receives an event id from which it can resume.
    void standing.emit({ kind: 'opened' });
    return standing;
  }

  /** Ends the stream of a call. The outcome gets an event id if the client can fetch it again. */
  close(
    stream: SessionStream,
    { requestId, method }: StreamCall,
    { outcome, recorded }: CallAnswer,
  ): Outcome | Promise<Outcome> {
    const answer = { kind: 'answer', id: requestId, method, outcome: recorded } as const;
    const ended = stream.endWithAnswer(answer, () => void this.openStreams.delete(stream.key));
    const withEventId = (eventId: string | undefined): Outcome =>
      eventId === undefined ? outcome : { ...outcome, eventId };
    return ended instanceof Promise ? ended.then(withEventId) : withEventId(ended);
  }

  /**
   * Continues a stream after an event. Returns undefined if the stream has ended; the sink then receives the rest of
   * it.
   *
   * @throws ReplayUnavailable
   */
  resume(lastEventId: string, sink: StreamSink): SessionStream | undefined {
    const replay = this.log.readAfter(lastEventId);
    if (!replay) throw new ReplayUnavailable(lastEventId);
    const stream = this.openStreams.get(replay.stream);
    if (stream) {
      stream.attach(sink, replay);
      return stream;
    }
    for (const event of replay.events) void sink.emit(event);
    sink.end();
    return undefined;
  }

  /** Deletes the archived events and stores no more: the client can no longer resume. */
  discard(): void {
    this.isClosed = true;
    // If the deletion fails, the archive expires the events.
    if (this.isArchived) void this.options.archive?.delete(this.options.session).catch(() => undefined);
  }

  /**
   * Ends the streams on this worker and returns their snapshot. From now on only the new owner appends to the archive.
   */
  handOff(): StreamsSnapshot {
    this.isClosed = true;
    const { standing } = this;
    standing?.endNow();
    return {
      count: this.count,
      ...(standing && { standing: { key: standing.key, nextSequence: standing.nextSequence } }),
      events: this.log.storedEntries.map((entry) => ({ ...entry })),
    };
  }

  private restore({ count, standing, events }: StreamsSnapshot): void {
    this.count = count;
    this.isArchived = events.length > 0;
    for (const entry of events) this.log.add({ ...entry });
    if (standing) this.standing = this.createServerStream(standing.key, standing.nextSequence);
  }

  private createServerStream(key: number, nextSequence = 0): SessionStream {
    const stream = new SessionStream(key, this, undefined, undefined, nextSequence);
    this.openStreams.set(key, stream);
    return stream;
  }

  private storeEvent({ stream, sequence, json }: LogEntry, call: StreamCall | undefined): Promise<boolean> {
    const { archive, session } = this.options;
    if (!archive || this.isClosed) return NOT_STORED;
    this.isArchived = true;
    const answered = call && { call: { requestId: call.requestId, method: call.method } };
    return archive.append(session, { stream, sequence, json, ...answered }).then(
      () => true,
      () => false,
    );
  }
}
