import { Injectable } from '@nestjs/common';

/** Sessions on their way to another worker. Whoever asks for one meanwhile waits until it has arrived. */
@Injectable()
export class Moves {
  private readonly underWay = new Map<string, Promise<void>>();

  /** Resolves once the session has arrived somewhere; undefined for one that is not on its way. */
  of(session: string): Promise<void> | undefined {
    return this.underWay.get(session);
  }

  /** The session is on its way until the promise is settled. */
  begin(session: string, move: Promise<unknown>): void {
    const over = move.then(
      () => undefined,
      () => undefined,
    );
    this.underWay.set(session, over);
    void over.then(() => this.underWay.delete(session));
  }
}
