import type { RunLog } from './run-log.js';

/** The sessions that one process serves, and those that it gave away. */
export class ServedSessions {
  /** Calls under way in each session that lives here. */
  private readonly open = new Map<string, number>();
  private readonly newOwners = new Map<string, string>();

  constructor(
    private readonly process: string,
    private readonly runLog: RunLog,
  ) {}

  /** Sessions in which nothing is under way. */
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

  /** From now on it is served here. */
  add(session: string): void {
    this.open.set(session, 0);
    this.newOwners.delete(session);
    this.runLog.servingStarted(session, this.process);
  }

  /** From now on it is not served here; whoever asks is sent to the newOwner. */
  handOff(session: string, newOwner?: string): void {
    if (this.open.delete(session)) this.runLog.servingStopped(session, this.process);
    if (newOwner === undefined) this.newOwners.delete(session);
    else this.newOwners.set(session, newOwner);
  }

  /** Serves nothing any more. */
  close(): void {
    for (const session of this.open.keys()) this.handOff(session);
  }
}
