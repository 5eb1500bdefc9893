import type { StreamCall } from './event-archive.js';
import { eventIdOf, type AnswerEvent, type EventLog, type KeptEvent, type LogEntry } from './event-log.js';
import type { Replay, StreamSink } from './event-log.js';

/** What the streams of a session have in common. */
export interface StreamHome {
  readonly log: EventLog;
  /**
   * Stores an entry for other workers. Resolves with whether that was done; never rejects. Absent where no other worker
   * could serve the client: then everything is sent at once.
   */
  readonly store: ((entry: LogEntry, call: StreamCall | undefined) => Promise<boolean>) | undefined;
  /** The stream can be come back for from now on. */
  opened(stream: SessionStream): void;
}

const NOTHING_BEFORE: Promise<unknown> = Promise.resolve();
const ignore = (): void => undefined;

/**
 * One logical stream of a session: the reply to one request, or the standing one. It outlives the connection that
 * carries it: events are kept first and sent second, and a client that comes back is given what it missed. An event has
 * an id once any worker could go on from there; one that could not be stored is sent without.
 */
export class SessionStream {
  private sequence: number;
  /** Events that are kept, and are sent once they are stored. */
  private waiting = 0;
  private turn = NOTHING_BEFORE;
  private isLastWithheld = false;
  /** True once a client has come back for the stream over another connection. */
  resumed = false;

  /**
   * `call`: the request that it answers, if any. `nextSequence`: number of its first event here, where it began at
   * another worker.
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

  /** Keeps the event and sends it if a connection is there. The first event says that the stream is open. */
  emit(event: KeptEvent): void | Promise<void> {
    if (!this.opened) {
      this.home.opened(this);
      if (event.kind !== 'opened') void this.send({ kind: 'opened' });
    }
    return this.send(event);
  }

  /** The server cut its stream short; so may we, for a client that can come back. */
  interrupt(): void {
    // Without an event of the stream there is no id to come back with.
    if (this.opened) this.afterWaiting(() => void (!this.isLastWithheld && this.sink?.emit({ kind: 'interrupted' })));
  }

  /**
   * Ends the stream with the answer to its request. A client that came back for it is told here; otherwise the result
   * is the answer's id, if it has one, for the caller to tell it. `onOver` runs when that is decided.
   */
  conclude(answer: AnswerEvent, onOver: () => void): string | undefined | Promise<string | undefined> {
    return this.inTurn(answer, (eventId) => {
      onOver();
      if (!this.resumed) return eventId;
      void this.sink?.emit(withId(answer, eventId));
      this.cut();
      return undefined;
    });
  }

  /** Sends what follows over another connection, after what it missed; the previous one is ended. */
  attach(sink: StreamSink, missed?: Replay): void {
    if (this.sink !== sink) this.sink?.end();
    this.sink = sink;
    this.resumed = true;
    if (!missed) return;
    // What still waits is sent to the new connection in its turn.
    const isSent = this.sequence - this.waiting - missed.from;
    for (const event of missed.events.slice(0, Math.max(isSent, 0))) void sink.emit(event);
  }

  /** The connection went away; events are kept for its return. */
  detach(sink: StreamSink): void {
    if (this.sink === sink) this.sink = undefined;
  }

  /** No more will come after what was said already. */
  end(): void {
    this.afterWaiting(() => this.cut());
  }

  /** Ends the connection now; what waits can be asked for by whoever comes back. */
  cut(): void {
    this.sink?.end();
    this.sink = undefined;
  }

  private send(event: KeptEvent): void | Promise<void> {
    return this.inTurn(event, (eventId) => this.sink?.emit(withId(event, eventId)));
  }

  /** Keeps the event, and does what is to be done with it: at once, or when it is stored and all before it is done. */
  private inTurn<T>(event: KeptEvent, run: (eventId: string | undefined) => T): T | Promise<Awaited<T>> {
    const { log, store } = this.home;
    const sequence = this.sequence++;
    if (!store) return run(log.append(this.key, sequence, event));
    const entry: LogEntry = { stream: this.key, sequence, json: JSON.stringify(event) };
    log.keep(entry);
    this.waiting += 1;
    // Asked for at once, done in turn: many events share one way to the store and back.
    const done = Promise.all([store(entry, this.call), this.turn]).then(([isStored]) => {
      this.waiting -= 1;
      this.isLastWithheld = !isStored;
      if (!isStored) entry.isWithheld = true;
      // What it returns may be back-pressure, and that is for the sender of this event to bear, not for the next one.
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
