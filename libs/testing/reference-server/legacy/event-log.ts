import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

type Message = Parameters<EventStore['storeEvent']>[1];

const CAPACITY = 1_000;

/** Stores the last events of one session, so that its streams can be resumed. */
export class EventLog implements EventStore {
  private readonly events: { id: string; streamId: string; message: Message }[] = [];
  private count = 0;

  storeEvent(streamId: string, message: Message): Promise<string> {
    this.count += 1;
    // Event ids must be unique within a session, so all streams share one counter.
    const id = `${streamId}/${this.count}`;
    this.events.push({ id, streamId, message });
    if (this.events.length > CAPACITY) this.events.shift();
    return Promise.resolve(id);
  }

  getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return Promise.resolve(this.events.find(({ id }) => id === eventId)?.streamId);
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: Message) => Promise<void> },
  ): Promise<string> {
    const index = this.events.findIndex(({ id }) => id === lastEventId);
    const last = this.events[index];
    if (!last) throw new Error('Unknown event id');
    const missed = this.events.slice(index + 1).filter(({ streamId }) => streamId === last.streamId);
    for (const { id, message } of missed) {
      // A priming event has an id but no message.
      if (Object.keys(message).length > 0) await send(id, message);
    }
    return last.streamId;
  }
}
