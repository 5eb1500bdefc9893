import { Injectable } from '@nestjs/common';

/** Sessions whose handoff is in progress. Requests for one are queued until the handoff has ended. */
@Injectable()
export class PendingHandoffs {
  private readonly pending = new Map<string, Promise<void>>();

  /** Resolves once the handoff of the session has ended. Returns undefined when no handoff is in progress. */
  find(session: string): Promise<void> | undefined {
    return this.pending.get(session);
  }

  /** Marks the session as being handed off until the promise settles. */
  add(session: string, handoff: Promise<unknown>): void {
    const ended = handoff.then(
      () => undefined,
      () => undefined,
    );
    this.pending.set(session, ended);
    void ended.then(() => this.pending.delete(session));
  }
}
