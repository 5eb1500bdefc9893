import type { EventLog, KeptEvent, StreamEvent, StreamSink } from './event-log.js';

/**
 * One logical stream of a session: the reply to one request, or the standing one. It outlives the connection that
 * carries it: events are kept first and sent second, and a client that comes back is given what it missed.
 */
export class SessionStream {
  private sequence = 0;
  private sink: StreamSink | undefined;
  /** True once a client has come back for the stream over another connection. */
  resumed = false;

  constructor(
    readonly key: number,
    private readonly log: EventLog,
    sink?: StreamSink,
    private readonly onOpen?: () => void,
  ) {
    this.sink = sink;
  }

  get opened(): boolean {
    return this.sequence > 0;
  }

  get attached(): boolean {
    return this.sink !== undefined;
  }

  /** Keeps the event and sends it if a connection is there. The first event says that the stream is open. */
  emit(event: KeptEvent): void | Promise<void> {
    if (!this.opened) {
      this.onOpen?.();
      if (event.kind !== 'opened') void this.send({ kind: 'opened' });
    }
    return this.send(event);
  }

  /** The server cut its stream short; so may we, for a client that can come back. */
  interrupt(): void {
    // Without an event of the stream there is no id to come back with.
    if (this.opened) void this.sink?.emit({ kind: 'interrupted' });
  }

  private send(event: KeptEvent): void | Promise<void> {
    // Kept first, whether or not anybody is there to take it.
    const eventId = this.keep(event);
    return this.sink?.emit({ ...event, eventId });
  }

  /** Keeps an event that the caller sends itself. */
  keep(event: KeptEvent): string {
    return this.log.append(this.key, this.sequence++, event);
  }

  /** Sends what follows over another connection; the previous one is ended. */
  attach(sink: StreamSink, missed: readonly StreamEvent[] = []): void {
    if (this.sink !== sink) this.sink?.end();
    this.sink = sink;
    this.resumed = true;
    for (const event of missed) void sink.emit(event);
  }

  /** The connection went away; events are kept for its return. */
  detach(sink: StreamSink): void {
    if (this.sink === sink) this.sink = undefined;
  }

  end(): void {
    this.sink?.end();
    this.sink = undefined;
  }
}
