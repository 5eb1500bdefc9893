import type { Clock } from '#lib/time';
import { Backoff } from '../backoff.js';

/** The exit of a child that ran at least this long resets its owner's back-off, in milliseconds. */
const STABLE_MS = 60_000;

/** Maximum number of exits of one server's processes within a period. At the limit, none is started until some are older. */
const MAX_EXITS = 32;
const EXIT_PERIOD_MS = 30_000;

/** Maximum number of owners per server whose exits are recorded. */
const MAX_OWNERS = 1_000;

/** Maximum number of servers. Beyond it the one whose processes have not exited for the longest time is forgotten. */
const MAX_SERVERS = 1_000;

interface CrashRecord {
  readonly backoff: Backoff;
  notBefore: number;
  reason: string;
}

interface Exit {
  readonly owner: string;
  readonly at: number;
}

interface ServerRecord {
  /** By owner; the one with the oldest exit first. */
  readonly owners: Map<string, CrashRecord>;
  /** The latest exits of all owners, oldest first. */
  readonly exits: Exit[];
  reason: string;
}

/** Why a process of a server may not be started yet, and for how much longer. */
export interface PendingRestart {
  readonly remainingMs: number;
  /** How the last process ended. */
  readonly reason: string;
}

/**
 * Delays restarts of processes that exit repeatedly. The owner of a process, such as a principal, delays only its own
 * next start; the starts of all owners of a server are limited together, so that many owners cannot start a broken program in a
 * tight loop. All times are monotonic times of one clock.
 */
export class RestartGuard {
  private readonly servers = new Map<string, ServerRecord>();

  constructor(private readonly clock: Clock) {}

  /** Undefined when a process of this server may be started for this owner now. */
  pending(slug: string, owner: string): PendingRestart | undefined {
    const server = this.servers.get(slug);
    if (server === undefined) return undefined;
    const now = this.clock.monotonicNow();
    const own = server.owners.get(owner);
    const ownMs = own === undefined ? 0 : Math.ceil(own.notBefore - now);
    const oldestAt = server.exits[0]?.at ?? 0;
    const allMs = server.exits.length < MAX_EXITS ? 0 : Math.ceil(oldestAt + EXIT_PERIOD_MS - now);
    if (Math.max(ownMs, allMs) <= 0) return undefined;
    return { remainingMs: Math.max(ownMs, allMs), reason: own !== undefined && ownMs > 0 ? own.reason : server.reason };
  }

  /** A process of this owner ended by itself, or could not be started. */
  recordExit(slug: string, owner: string, startedAt: number, reason: string): void {
    const now = this.clock.monotonicNow();
    const server: ServerRecord = this.servers.get(slug) ?? { owners: new Map(), exits: [], reason };
    this.servers.delete(slug);
    this.servers.set(slug, server);
    forgetOldest(this.servers, MAX_SERVERS);
    const known = now - startedAt < STABLE_MS ? server.owners.get(owner) : undefined;
    const record = known ?? { backoff: new Backoff(), notBefore: 0, reason };
    record.notBefore = now + record.backoff.next();
    record.reason = reason;
    server.reason = reason;
    server.owners.delete(owner);
    server.owners.set(owner, record);
    server.exits.push({ owner, at: now });
    if (server.exits.length > MAX_EXITS) server.exits.shift();
    forgetOldest(server.owners, MAX_OWNERS);
  }

  /** Forgets the last exit of a process of this owner, which was expected, and resets its back-off. */
  reset(slug: string, owner: string): void {
    const server = this.servers.get(slug);
    if (server?.owners.delete(owner) !== true) return;
    const last = server.exits.findLastIndex((exit) => exit.owner === owner);
    if (last >= 0) server.exits.splice(last, 1);
  }

  /** Removes all recorded exits of this server. */
  resetAll(slug: string): void {
    this.servers.delete(slug);
  }
}

function forgetOldest(records: Map<string, unknown>, max: number): void {
  const [oldest] = records.keys();
  if (records.size > max && oldest !== undefined) records.delete(oldest);
}
