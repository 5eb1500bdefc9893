import { identityOf, type ServerDefinition } from '../registry/index.js';

/** A new server is checked within this time, if its interval is not shorter. */
const FIRST_CHECK_MS = 10_000;
/** The part of an interval by which a check may come sooner or later, so that workers and servers do not act in step. */
const JITTER = 0.1;

interface DueServer {
  readonly server: ServerDefinition;
  readonly dueAt: number;
}

/** When each server is checked next, by the monotonic time of this worker. */
export class CheckSchedule {
  private due = new Map<string, DueServer>();

  constructor(
    private readonly intervalMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** True if there is a server to check. */
  get isActive(): boolean {
    return this.due.size > 0;
  }

  /** Replaces the servers. A server that was known keeps its time; a new one is checked soon. */
  replace(servers: readonly ServerDefinition[], now: number): void {
    const checked = servers.filter((server) => server.enabled && this.intervalOf(server) > 0);
    this.due = new Map(
      checked.map((server) => {
        const soon = now + this.random() * Math.min(FIRST_CHECK_MS, this.intervalOf(server));
        const dueAt = this.due.get(identityOf(server))?.dueAt ?? soon;
        return [identityOf(server), { server, dueAt: Math.min(dueAt, this.nextAt(server, now)) }];
      }),
    );
  }

  has(server: ServerDefinition): boolean {
    return this.due.get(identityOf(server))?.server === server;
  }

  /** Returns the servers whose time has come. Those that have waited longest are first, or some would never be checked. */
  findDue(now: number): ServerDefinition[] {
    return [...this.due.values()]
      .filter(({ dueAt }) => dueAt <= now)
      .toSorted((one, other) => one.dueAt - other.dueAt)
      .map(({ server }) => server);
  }

  /** Schedules the next check of a server that is due. */
  postpone(server: ServerDefinition, now: number): void {
    this.due.set(identityOf(server), { server, dueAt: this.nextAt(server, now) });
  }

  private nextAt(server: ServerDefinition, now: number): number {
    return now + this.intervalOf(server) * (1 - JITTER + 2 * JITTER * this.random());
  }

  private intervalOf({ healthIntervalMs }: ServerDefinition): number {
    return healthIntervalMs ?? this.intervalMs;
  }
}
