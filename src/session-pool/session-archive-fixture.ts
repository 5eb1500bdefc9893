/** An archive whose responses a spec controls. */
import { EventArchive, type ArchivedEvent } from './event-archive.js';

interface PendingAppend {
  readonly event: ArchivedEvent;
  readonly stored: PromiseWithResolvers<void>;
}

export class FakeArchive extends EventArchive {
  override readonly isActive = true;
  readonly stored = new Map<string, ArchivedEvent[]>();
  readonly deleted: string[] = [];
  /** Number of append calls, whether or not the event was stored. */
  appends = 0;
  isDown = false;
  private pendingAppends: PendingAppend[] | undefined;

  override async append(session: string, event: ArchivedEvent): Promise<void> {
    this.appends += 1;
    if (this.isDown) throw new Error('The archive is down.');
    if (this.pendingAppends) {
      const pending = { event, stored: Promise.withResolvers<void>() };
      this.pendingAppends.push(pending);
      await pending.stored.promise;
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

  /** Delays all appends until `release`. */
  hold(): void {
    this.pendingAppends ??= [];
  }

  /** Stores the delayed events in reverse order, because callers must not rely on the order of responses. */
  release(): void {
    const delayed = this.pendingAppends ?? [];
    this.pendingAppends = undefined;
    for (const { stored } of delayed.toReversed()) stored.resolve();
  }

  /** Returns the stored events of a session as `stream-sequence kind`. */
  summaryOf(session: string): string[] {
    return (this.stored.get(session) ?? [])
      .toSorted((one, other) => one.stream - other.stream || one.sequence - other.sequence)
      .map(({ stream, sequence, json }) => `${stream}-${sequence} ${(JSON.parse(json) as { kind: string }).kind}`);
  }
}
