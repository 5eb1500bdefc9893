import type { StreamEvent, StreamSink } from '../../src/session-pool/index.js';

/** A reply stream that records its events. */
export class RecordingSink implements StreamSink {
  readonly events: StreamEvent[] = [];
  ended = false;
  private readonly waiting: (() => void)[] = [];

  emit(event: StreamEvent): void | Promise<void> {
    this.events.push(event);
    for (const wake of this.waiting.splice(0)) wake();
  }

  end(): void {
    this.ended = true;
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** The method of each notification, the kind and id of each question and answer, the kind of all others. */
  get summary(): string[] {
    return this.events.map((event) => {
      if (event.kind === 'notification') return event.notification.method;
      return 'id' in event ? `${event.kind} ${event.id}` : event.kind;
    });
  }

  get eventIds(): (string | undefined)[] {
    return this.events.map((event) => ('eventId' in event ? event.eventId : undefined));
  }

  /** Resolves once the condition holds, which is checked after each event. */
  async until(condition: (sink: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}
