import { Injectable } from '@nestjs/common';

/** Sessions whose handoff is in progress. Requests for one are queued until the handoff has ended. */
@Injectable()
export class Moves {
  private readonly underWay = new Map<string, Promise<void>>();

  /** Resolves once the handoff of the session has ended. Returns undefined when no handoff is in progress. */
  of(session: string): Promise<void> | undefined {
    return this.underWay.get(session);
  }

  /** Marks the session as being handed off until the promise settles. */
  begin(session: string, handoff: Promise<unknown>): void {
    const ended = handoff.then(
      () => undefined,
      () => undefined,
    );
    this.underWay.set(session, ended);
    void ended.then(() => this.underWay.delete(session));
  }
}
