import type { Chronicle } from './chronicle.js';

/** The sessions that one process serves, and those that it gave away. */
export class Gates {
  /** Calls under way in each session that lives here. */
  private readonly open = new Map<string, number>();
  private readonly heirs = new Map<string, string>();

  constructor(
    private readonly process: string,
    private readonly chronicle: Chronicle,
  ) {}

  /** Sessions in which nothing is under way. */
  get quiet(): string[] {
    return [...this.open].filter(([, calls]) => calls === 0).map(([session]) => session);
  }

  has(session: string): boolean {
    return this.open.has(session);
  }

  callsIn(session: string): number {
    return this.open.get(session) ?? 0;
  }

  heirOf(session: string): string | undefined {
    return this.heirs.get(session);
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
    this.heirs.delete(session);
    this.chronicle.gateOpened(session, this.process);
  }

  /** From now on it is not served here; whoever asks is sent to the heir. */
  give(session: string, heir?: string): void {
    if (this.open.delete(session)) this.chronicle.gateClosed(session, this.process);
    if (heir === undefined) this.heirs.delete(session);
    else this.heirs.set(session, heir);
  }

  /** Serves nothing any more. */
  close(): void {
    for (const session of this.open.keys()) this.give(session);
  }
}
