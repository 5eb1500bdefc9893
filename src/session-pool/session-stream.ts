import type { StreamCall } from './event-archive.js';
import {
  toEventId,
  type AnswerEvent,
  type EventLog,
  type ReplayableEvent,
  type LogEntry,
  type Replay,
  type StreamSink,
} from './event-log.js';

/** Log and archive that all streams of a session share. */
export interface StreamContext {
  readonly log: EventLog;
  /**
   * Stores an entry for other workers. Resolves with whether it was stored; never rejects. Undefined if no other worker
   * can serve the client: events are then sent at once.
   */
  readonly store: ((entry: LogEntry, call: StreamCall | undefined) => Promise<boolean>) | undefined;
  /** Called with the first event: the client can resume the stream from now on. */
  onOpened(stream: SessionStream): void;
}

const SETTLED: Promise<unknown> = Promise.resolve();
const ignore = (): void => undefined;

/**
 * One logical stream of a session: the reply to one request, or the server stream. It outlives its connection: events
 * are recorded first and sent second, and a client that resumes receives the events that it missed. An event has an id
 * only if any worker can resume from it; an event that could not be stored is sent without an id (invariants 1 and 3).
 */
export class SessionStream {
  private sequence: number;
  /** Number of events that are recorded and wait to be stored before they are sent. */
  private pendingCount = 0;
  private lastDelivery = SETTLED;
  private isLastWithheld = false;
  /** True once a client has resumed the stream over another connection. */
  isResumed = false;

  /**
   * @param call the request that the stream answers, if any
   * @param nextSequence sequence number of the first event on this worker, if the stream began at another worker
   */
  constructor(
    readonly key: number,
    private readonly context: StreamContext,
    private sink?: StreamSink,
    private readonly call?: StreamCall,
    nextSequence = 0,
  ) {
    this.sequence = nextSequence;
  }

  get isOpened(): boolean {
    return this.sequence > 0;
  }

  get isAttached(): boolean {
    return this.sink !== undefined;
  }

  get nextSequence(): number {
    return this.sequence;
  }

  /** Records the event and sends it if a connection is attached. The first event of a stream is always `opened`. */
  emit(event: ReplayableEvent): void | Promise<void> {
    if (!this.isOpened) {
      this.context.onOpened(this);
      if (event.kind !== 'opened') void this.send({ kind: 'opened' });
    }
    return this.send(event);
  }

  /** The server interrupted its stream. Interrupts ours too, if the client can resume it. */
  interrupt(): void {
    // A stream without an event has no id from which the client could resume.
    if (this.isOpened)
      this.runAfterPending(() => void (!this.isLastWithheld && this.sink?.emit({ kind: 'interrupted' })));
  }

  /**
   * Ends the stream with the answer to its request. Sends the answer here if the client has resumed the stream.
   * Otherwise returns the event id of the answer, if it has one, and the caller sends it. Calls `onEnd` as soon as that
   * is decided.
   */
  endWithAnswer(answer: AnswerEvent, onEnd: () => void): string | undefined | Promise<string | undefined> {
    return this.deliverInOrder(answer, (eventId) => {
      onEnd();
      if (!this.isResumed) return eventId;
      void this.sink?.emit(withEventId(answer, eventId));
      this.endNow();
      return undefined;
    });
  }

  /** Sends the missed events, then all further events, over a new connection. Ends the previous connection. */
  attach(sink: StreamSink, missed?: Replay): void {
    if (this.sink !== sink) this.sink?.end();
    this.sink = sink;
    this.isResumed = true;
    if (!missed) return;
    // Pending events are sent to the new connection once they are stored.
    const sentCount = this.sequence - this.pendingCount - missed.from;
    for (const event of missed.events.slice(0, Math.max(sentCount, 0))) void sink.emit(event);
  }

  /** The connection closed. Events are recorded until the client resumes. */
  detach(sink: StreamSink): void {
    if (this.sink === sink) this.sink = undefined;
  }

  /** Ends the connection after the pending events. */
  end(): void {
    this.runAfterPending(() => this.endNow());
  }

  /** Ends the connection now. A client that resumes still receives the pending events. */
  endNow(): void {
    this.sink?.end();
    this.sink = undefined;
  }

  private send(event: ReplayableEvent): void | Promise<void> {
    return this.deliverInOrder(event, (eventId) => this.sink?.emit(withEventId(event, eventId)));
  }

  /**
   * Records the event and runs its delivery: at once, or after the event is stored and all earlier deliveries have run.
   */
  private deliverInOrder<T>(event: ReplayableEvent, run: (eventId: string | undefined) => T): T | Promise<Awaited<T>> {
    const { log, store } = this.context;
    const sequence = this.sequence++;
    if (!store) return run(log.append(this.key, sequence, event));
    const entry: LogEntry = { stream: this.key, sequence, json: JSON.stringify(event) };
    log.add(entry);
    this.pendingCount += 1;
    // Store immediately, deliver in order: many events share one round trip to the archive.
    const done = Promise.all([store(entry, this.call), this.lastDelivery]).then(([isStored]) => {
      this.pendingCount -= 1;
      this.isLastWithheld = !isStored;
      if (!isStored) entry.isWithheld = true;
      // The result may be back-pressure. Wrapping it in an array lets only the sender of this event wait for it, not
      // the next one.
      return [run(isStored ? toEventId(entry) : undefined)] as const;
    });
    this.lastDelivery = done.then(ignore, ignore);
    return done.then(async ([outcome]): Promise<Awaited<T>> => await outcome);
  }

  private runAfterPending(run: () => void): void {
    if (this.pendingCount === 0) return run();
    const done = this.lastDelivery.then(run);
    this.lastDelivery = done.then(ignore, ignore);
    return undefined;
  }
}

const withEventId = <E extends ReplayableEvent>(event: E, eventId: string | undefined): E =>
  eventId === undefined ? event : { ...event, eventId };
