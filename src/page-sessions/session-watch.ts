import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '#lib/time';
import { PageSessionStore } from './page-session-store.js';

const INTERVAL_MS = 1_000;

/** Notifies open responses of the admin page when their session has ended, whichever worker ended it. */
@Injectable()
export class SessionWatch implements OnApplicationShutdown {
  private readonly listeners = new Map<string, Set<() => void>>();
  private stopTimer: (() => void) | undefined;

  constructor(
    private readonly store: PageSessionStore,
    private readonly clock: Clock,
  ) {}

  /** Calls the listener once, about a second after the end of the session. Returns a function that unsubscribes. */
  onEnded(id: string, listener: () => void): () => void {
    const listeners = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, listeners.add(listener));
    this.stopTimer ??= this.clock.every(INTERVAL_MS, () => void this.checkAll());
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(id) === listeners) this.forget(id);
    };
  }

  onApplicationShutdown(): void {
    this.stopTimer?.();
  }

  private async checkAll(): Promise<void> {
    await Promise.all(Array.from(this.listeners.keys(), (id) => this.check(id)));
  }

  private async check(id: string): Promise<void> {
    // While Redis is unavailable, it is unknown whether the session has ended.
    const hasEnded = await this.store.find(id).then(
      (session) => session === undefined,
      () => false,
    );
    if (!hasEnded) return;
    const listeners = this.listeners.get(id) ?? [];
    this.forget(id);
    for (const listener of listeners) listener();
  }

  private forget(id: string): void {
    this.listeners.delete(id);
    if (this.listeners.size > 0) return;
    this.stopTimer?.();
    this.stopTimer = undefined;
  }
}
