/** An archive whose answers a spec gives itself. */
import { EventArchive, type ArchivedEvent } from './event-archive.js';

interface PendingAppend {
  readonly event: ArchivedEvent;
  readonly stored: PromiseWithResolvers<void>;
}

export class FakeArchive extends EventArchive {
  override readonly isActive = true;
  readonly stored = new Map<string, ArchivedEvent[]>();
  readonly deleted: string[] = [];
  /** How often an event came, stored or not. */
  appends = 0;
  isDown = false;
  private pendingAppends: PendingAppend[] | undefined;

  override async append(session: string, event: ArchivedEvent): Promise<void> {
    this.appends += 1;
    if (this.isDown) throw new Error('The archive is down.');
    if (this.pendingAppends) {
      const asked = { event, stored: Promise.withResolvers<void>() };
      this.pendingAppends.push(asked);
      await asked.stored.promise;
    }
    const events = this.stored.get(session) ?? [];
    this.stored.set(session, [...events, event]);
  }

  override async read(session: string): Promise<readonly ArchivedEvent[]> {
    return this.stored.get(session) ?? [];
  }

  override async delete(session: string): Promise<void> {
    this.deleted.push(session);
    this.stored.delete(session);
  }

  /** Answers nothing from now on, until told to. */
  hold(): void {
    this.pendingAppends ??= [];
  }

  /** Lets what is held be stored, the last one first: nobody may count on an order of answers. */
  release(): void {
    const held = this.pendingAppends ?? [];
    this.pendingAppends = undefined;
    for (const { stored } of held.toReversed()) stored.resolve();
  }

  /** What is stored of a session, as `stream-sequence kind`. */
  summaryOf(session: string): string[] {
    return (this.stored.get(session) ?? [])
      .toSorted((one, other) => one.stream - other.stream || one.sequence - other.sequence)
      .map(({ stream, sequence, json }) => `${stream}-${sequence} ${(JSON.parse(json) as { kind: string }).kind}`);
  }
}
