import { Injectable } from '@nestjs/common';

/** Sessions on their way to another worker. Whoever asks for one meanwhile waits until it has arrived. */
@Injectable()
export class PendingHandoffs {
  private readonly pending = new Map<string, Promise<void>>();

  /** Resolves once the session has arrived somewhere; undefined for one that is not on its way. */
  find(session: string): Promise<void> | undefined {
    return this.pending.get(session);
  }

  /** The session is on its way until the promise is settled. */
  add(session: string, move: Promise<unknown>): void {
    const over = move.then(
      () => undefined,
      () => undefined,
    );
    this.pending.set(session, over);
    void over.then(() => this.pending.delete(session));
  }
}
