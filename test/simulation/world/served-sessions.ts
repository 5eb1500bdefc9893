import type { RunLog } from './run-log.js';

/** The sessions that one process serves, and the new owners of those that it handed off. */
export class ServedSessions {
  /** Number of in-flight calls of each served session. */
  private readonly open = new Map<string, number>();
  private readonly newOwners = new Map<string, string>();

  constructor(
    private readonly process: string,
    private readonly runLog: RunLog,
  ) {}

  /** Sessions without in-flight calls. */
  get idle(): string[] {
    return [...this.open].filter(([, calls]) => calls === 0).map(([session]) => session);
  }

  has(session: string): boolean {
    return this.open.has(session);
  }

  callsIn(session: string): number {
    return this.open.get(session) ?? 0;
  }

  newOwnerOf(session: string): string | undefined {
    return this.newOwners.get(session);
  }

  enter(session: string): void {
    this.open.set(session, this.callsIn(session) + 1);
  }

  leave(session: string): void {
    if (this.has(session)) this.open.set(session, this.callsIn(session) - 1);
  }

  /** Starts to serve a session. */
  add(session: string): void {
    this.open.set(session, 0);
    this.newOwners.delete(session);
    this.runLog.servingStarted(session, this.process);
  }

  /** Stops serving a session and redirects its requests to the new owner. */
  handOff(session: string, newOwner?: string): void {
    if (this.open.delete(session)) this.runLog.servingStopped(session, this.process);
    if (newOwner === undefined) this.newOwners.delete(session);
    else this.newOwners.set(session, newOwner);
  }

  /** Stops serving all sessions. */
  close(): void {
    for (const session of this.open.keys()) this.handOff(session);
  }
}
