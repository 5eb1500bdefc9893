import type { StreamCall } from './event-archive.js';
import { eventIdOf, type AnswerEvent, type EventLog, type KeptEvent, type LogEntry } from './event-log.js';
import type { Replay, StreamSink } from './event-log.js';

/** Log and archive that all streams of a session share. */
export interface StreamHome {
  readonly log: EventLog;
  /**
   * Stores an entry for other workers. Resolves with whether it was stored; never rejects. Undefined if no other worker
   * can serve the client: events are then sent at once.
   */
  readonly store: ((entry: LogEntry, call: StreamCall | undefined) => Promise<boolean>) | undefined;
  /** Called with the first event: the client can resume the stream from now on. */
  opened(stream: SessionStream): void;
}

const NOTHING_BEFORE: Promise<unknown> = Promise.resolve();
const ignore = (): void => undefined;

/**
 * One logical stream of a session: the reply to one request, or the standing stream. It outlives its connection: events
 * are recorded first and sent second, and a client that resumes receives the events that it missed. An event has an id
 * only if any worker can resume from it; an event that could not be stored is sent without an id (invariants 1 and 3).
 */
export class SessionStream {
  private sequence: number;
  /** Number of events that are recorded and wait to be stored before they are sent. */
  private waiting = 0;
  private turn = NOTHING_BEFORE;
  private isLastWithheld = false;
  /** True once a client has resumed the stream over another connection. */
  resumed = false;

  /**
   * @param call the request that the stream answers, if any
   * @param nextSequence sequence number of the first event on this worker, if the stream began at another worker
   */
  constructor(
    readonly key: number,
    private readonly home: StreamHome,
    private sink?: StreamSink,
    private readonly call?: StreamCall,
    nextSequence = 0,
  ) {
    this.sequence = nextSequence;
  }

  get opened(): boolean {
    return this.sequence > 0;
  }

  get attached(): boolean {
    return this.sink !== undefined;
  }

  get nextSequence(): number {
    return this.sequence;
  }

  /** Records the event and sends it if a connection is attached. The first event of a stream is always `opened`. */
  emit(event: KeptEvent): void | Promise<void> {
    if (!this.opened) {
      this.home.opened(this);
      if (event.kind !== 'opened') void this.send({ kind: 'opened' });
    }
    return this.send(event);
  }

  /** The server interrupted its stream. Interrupts ours too, if the client can resume it. */
  interrupt(): void {
    // A stream without an event has no id from which the client could resume.
    if (this.opened) this.afterWaiting(() => void (!this.isLastWithheld && this.sink?.emit({ kind: 'interrupted' })));
  }

  /**
   * Ends the stream with the answer to its request. Sends the answer here if the client has resumed the stream.
   * Otherwise returns the event id of the answer, if it has one, and the caller sends it. Calls `onEnd` as soon as that
   * is decided.
   */
  conclude(answer: AnswerEvent, onEnd: () => void): string | undefined | Promise<string | undefined> {
    return this.inTurn(answer, (eventId) => {
      onEnd();
      if (!this.resumed) return eventId;
      void this.sink?.emit(withId(answer, eventId));
      this.cut();
      return undefined;
    });
  }

  /** Sends the missed events, then all further events, over a new connection. Ends the previous connection. */
  attach(sink: StreamSink, missed?: Replay): void {
    if (this.sink !== sink) this.sink?.end();
    this.sink = sink;
    this.resumed = true;
    if (!missed) return;
    // Pending events are sent to the new connection once they are stored.
    const isSent = this.sequence - this.waiting - missed.from;
    for (const event of missed.events.slice(0, Math.max(isSent, 0))) void sink.emit(event);
  }

  /** The connection closed. Events are recorded until the client resumes. */
  detach(sink: StreamSink): void {
    if (this.sink === sink) this.sink = undefined;
  }

  /** Ends the connection after the pending events. */
  end(): void {
    this.afterWaiting(() => this.cut());
  }

  /** Ends the connection now. A client that resumes still receives the pending events. */
  cut(): void {
    this.sink?.end();
    this.sink = undefined;
  }

  private send(event: KeptEvent): void | Promise<void> {
    return this.inTurn(event, (eventId) => this.sink?.emit(withId(event, eventId)));
  }

  /**
   * Records the event and runs its delivery: at once, or after the event is stored and all earlier deliveries have run.
   */
  private inTurn<T>(event: KeptEvent, run: (eventId: string | undefined) => T): T | Promise<Awaited<T>> {
    const { log, store } = this.home;
    const sequence = this.sequence++;
    if (!store) return run(log.append(this.key, sequence, event));
    const entry: LogEntry = { stream: this.key, sequence, json: JSON.stringify(event) };
    log.keep(entry);
    this.waiting += 1;
    // Store immediately, deliver in order: many events share one round trip to the archive.
    const done = Promise.all([store(entry, this.call), this.turn]).then(([isStored]) => {
      this.waiting -= 1;
      this.isLastWithheld = !isStored;
      if (!isStored) entry.isWithheld = true;
      // The result may be back-pressure. Wrapping it in an array lets only the sender of this event wait for it, not
      // the next one.
      return [run(isStored ? eventIdOf(entry) : undefined)] as const;
    });
    this.turn = done.then(ignore, ignore);
    return done.then(async ([outcome]): Promise<Awaited<T>> => await outcome);
  }

  private afterWaiting(run: () => void): void {
    if (this.waiting === 0) return run();
    const done = this.turn.then(run);
    this.turn = done.then(ignore, ignore);
    return undefined;
  }
}

const withId = <E extends KeptEvent>(event: E, eventId: string | undefined): E =>
  eventId === undefined ? event : { ...event, eventId };
