/** An archive whose answers a spec gives itself. */
import { EventArchive, type ArchivedEvent } from './event-archive.js';

interface Asked {
  readonly event: ArchivedEvent;
  readonly stored: PromiseWithResolvers<void>;
}

export class FakeArchive extends EventArchive {
  override readonly active = true;
  readonly stored = new Map<string, ArchivedEvent[]>();
  readonly forgotten: string[] = [];
  /** How often an event came, stored or not. */
  appends = 0;
  isDown = false;
  private held: Asked[] | undefined;

  override async append(session: string, event: ArchivedEvent): Promise<void> {
    this.appends += 1;
    if (this.isDown) throw new Error('The archive is down.');
    if (this.held) {
      const asked = { event, stored: Promise.withResolvers<void>() };
      this.held.push(asked);
      await asked.stored.promise;
    }
    const events = this.stored.get(session) ?? [];
    this.stored.set(session, [...events, event]);
  }

  override async read(session: string): Promise<readonly ArchivedEvent[]> {
    return this.stored.get(session) ?? [];
  }

  override async forget(session: string): Promise<void> {
    this.forgotten.push(session);
    this.stored.delete(session);
  }

  /** Answers nothing from now on, until told to. */
  hold(): void {
    this.held ??= [];
  }

  /** Lets what is held be stored, the last one first: nobody may count on an order of answers. */
  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const { stored } of held.toReversed()) stored.resolve();
  }

  /** What is stored of a session, as `stream-sequence kind`. */
  summaryOf(session: string): string[] {
    return (this.stored.get(session) ?? [])
      .toSorted((one, other) => one.stream - other.stream || one.sequence - other.sequence)
      .map(({ stream, sequence, json }) => `${stream}-${sequence} ${(JSON.parse(json) as { kind: string }).kind}`);
  }
}
