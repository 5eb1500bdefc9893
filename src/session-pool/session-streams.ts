import type { Outcome } from '#lib/mcp-protocol';
import type { EventArchive, StreamCall } from './event-archive.js';
import { EventLog, type LogEntry, type StreamSink } from './event-log.js';
import { ReplayUnavailable } from './session-pool.errors.js';
import type { StreamsSnapshot } from './session-record.js';
import { SessionStream, type StreamContext } from './session-stream.js';

/** What the streams of a session are kept with. */
export interface StreamOptions {
  readonly session: string;
  readonly replayEvents: number;
  readonly replayBytes: number;
  /** Absent where no other worker could go on with the session's streams. */
  readonly archive: EventArchive | undefined;
}

const NOT_STORED = Promise.resolve(false);

/** The streams of one session, and what was said on them. */
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
    kept?: StreamsSnapshot,
  ) {
    this.log = new EventLog(options.replayEvents, options.replayBytes);
    this.store = options.archive && ((entry, call) => this.storeEvent(entry, call));
    if (kept) this.restore(kept);
  }

  /** The stream of a call. */
  openReply(call: StreamCall, sink: StreamSink): SessionStream {
    return new SessionStream(++this.count, this, sink, call);
  }

  onOpened(stream: SessionStream): void {
    this.openStreams.set(stream.key, stream);
  }

  openStanding(sink: StreamSink): SessionStream {
    const standing = (this.standing ??= this.createStanding(++this.count));
    standing.attach(sink);
    // Every connection learns an id to come back with, not only the first.
    void standing.emit({ kind: 'opened' });
    return standing;
  }

  /** Ends the stream of a call. The outcome gets an event id where it can be fetched once more. */
  close(stream: SessionStream, { requestId, method }: StreamCall, outcome: Outcome): Outcome | Promise<Outcome> {
    const answer = { kind: 'answer', id: requestId, method, outcome } as const;
    const concluded = stream.endWithAnswer(answer, () => void this.openStreams.delete(stream.key));
    const told = (eventId: string | undefined): Outcome => (eventId === undefined ? outcome : { ...outcome, eventId });
    return concluded instanceof Promise ? concluded.then(told) : told(concluded);
  }

  /**
   * Continues a stream after an event. Undefined when all of it was said and there is nothing more to come.
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

  /** Nobody can come back any more: what other workers could find is taken away, and nothing is added. */
  discard(): void {
    this.isClosed = true;
    // What cannot be removed now goes by itself in time.
    if (this.isArchived) void this.options.archive?.delete(this.options.session).catch(() => undefined);
  }

  /** Ends them here for another worker to go on with; from now on only that one adds to what is stored. */
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
    if (standing) this.standing = this.createStanding(standing.key, standing.nextSequence);
  }

  private createStanding(key: number, nextSequence = 0): SessionStream {
    const stream = new SessionStream(key, this, undefined, undefined, nextSequence);
    this.openStreams.set(key, stream);
    return stream;
  }

  private storeEvent({ stream, sequence, json }: LogEntry, call: StreamCall | undefined): Promise<boolean> {
    const { archive, session } = this.options;
    if (!archive || this.isClosed) return NOT_STORED;
    this.isArchived = true;
    const asked = call && { call: { requestId: call.requestId, method: call.method } };
    return archive.append(session, { stream, sequence, json, ...asked }).then(
      () => true,
      () => false,
    );
  }
}
