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

/** What the streams of a session have in common. */
export interface StreamContext {
  readonly log: EventLog;
  /**
   * Stores an entry for other workers. Resolves with whether that was done; never rejects. Absent where no other worker
   * could serve the client: then everything is sent at once.
   */
  readonly store: ((entry: LogEntry, call: StreamCall | undefined) => Promise<boolean>) | undefined;
  /** The stream can be come back for from now on. */
  onOpened(stream: SessionStream): void;
}

const SETTLED: Promise<unknown> = Promise.resolve();
const ignore = (): void => undefined;

/**
 * One logical stream of a session: the reply to one request, or the standing one. It outlives the connection that
 * carries it: events are kept first and sent second, and a client that comes back is given what it missed. An event has
 * an id once any worker could go on from there; one that could not be stored is sent without.
 */
export class SessionStream {
  private sequence: number;
  /** Events that are kept, and are sent once they are stored. */
  private pendingCount = 0;
  private lastDelivery = SETTLED;
  private isLastWithheld = false;
  /** True once a client has come back for the stream over another connection. */
  isResumed = false;

  /**
   * `call`: the request that it answers, if any. `nextSequence`: number of its first event here, where it began at
   * another worker.
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

  /** Keeps the event and sends it if a connection is there. The first event says that the stream is open. */
  emit(event: ReplayableEvent): void | Promise<void> {
    if (!this.isOpened) {
      this.context.onOpened(this);
      if (event.kind !== 'opened') void this.send({ kind: 'opened' });
    }
    return this.send(event);
  }

  /** The server cut its stream short; so may we, for a client that can come back. */
  interrupt(): void {
    // Without an event of the stream there is no id to come back with.
    if (this.isOpened)
      this.runAfterPending(() => void (!this.isLastWithheld && this.sink?.emit({ kind: 'interrupted' })));
  }

  /**
   * Ends the stream with the answer to its request. A client that came back for it is told here; otherwise the result
   * is the answer's id, if it has one, for the caller to tell it. `onOver` runs when that is decided.
   */
  endWithAnswer(answer: AnswerEvent, onOver: () => void): string | undefined | Promise<string | undefined> {
    return this.deliverInOrder(answer, (eventId) => {
      onOver();
      if (!this.isResumed) return eventId;
      void this.sink?.emit(withEventId(answer, eventId));
      this.endNow();
      return undefined;
    });
  }

  /** Sends what follows over another connection, after what it missed; the previous one is ended. */
  attach(sink: StreamSink, missed?: Replay): void {
    if (this.sink !== sink) this.sink?.end();
    this.sink = sink;
    this.isResumed = true;
    if (!missed) return;
    // What still waits is sent to the new connection in its turn.
    const isSent = this.sequence - this.pendingCount - missed.from;
    for (const event of missed.events.slice(0, Math.max(isSent, 0))) void sink.emit(event);
  }

  /** The connection went away; events are kept for its return. */
  detach(sink: StreamSink): void {
    if (this.sink === sink) this.sink = undefined;
  }

  /** No more will come after what was said already. */
  end(): void {
    this.runAfterPending(() => this.endNow());
  }

  /** Ends the connection now; what waits can be asked for by whoever comes back. */
  endNow(): void {
    this.sink?.end();
    this.sink = undefined;
  }

  private send(event: ReplayableEvent): void | Promise<void> {
    return this.deliverInOrder(event, (eventId) => this.sink?.emit(withEventId(event, eventId)));
  }

  /** Keeps the event, and does what is to be done with it: at once, or when it is stored and all before it is done. */
  private deliverInOrder<T>(event: ReplayableEvent, run: (eventId: string | undefined) => T): T | Promise<Awaited<T>> {
    const { log, store } = this.context;
    const sequence = this.sequence++;
    if (!store) return run(log.append(this.key, sequence, event));
    const entry: LogEntry = { stream: this.key, sequence, json: JSON.stringify(event) };
    log.add(entry);
    this.pendingCount += 1;
    // Asked for at once, done in turn: many events share one way to the store and back.
    const done = Promise.all([store(entry, this.call), this.lastDelivery]).then(([isStored]) => {
      this.pendingCount -= 1;
      this.isLastWithheld = !isStored;
      if (!isStored) entry.isWithheld = true;
      // What it returns may be back-pressure, and that is for the sender of this event to bear, not for the next one.
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
