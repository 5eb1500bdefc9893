import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { sql } from 'kysely';
import { Clock } from '#lib/time';
import { ParkedCalls } from '../calls/index.js';
import { UpstreamPool } from '../connections/index.js';
import { Coordination } from '../coordination/index.js';
import { Database } from '../database/index.js';
import { Readiness } from '../lifecycle/index.js';
import { SessionPool, type Session } from '../session-pool/index.js';
import type { GaugeSource, Meters } from './meters.js';

const DATABASE_TIMEOUT_MS = 1_000;
const EVENT_LOOP_RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;
const EVERYTHING = { after: 0, limit: Number.MAX_SAFE_INTEGER } as const;

/** The present state of this worker, read when the metrics are collected. */
@Injectable()
export class Gauges implements OnApplicationShutdown {
  private eventLoop: ReturnType<typeof monitorEventLoopDelay> | undefined;

  constructor(
    private readonly sessions: SessionPool,
    private readonly parkedCalls: ParkedCalls,
    private readonly upstreams: UpstreamPool,
    private readonly coordination: Coordination,
    private readonly database: Database,
    private readonly readiness: Readiness,
    private readonly clock: Clock,
  ) {}

  register(meters: Meters): void {
    for (const source of [...this.stateOfWorker(), ...this.stateOfProcess()]) meters.gauge(source);
  }

  onApplicationShutdown(): void {
    this.eventLoop?.disable();
  }

  private stateOfWorker(): GaugeSource[] {
    const { redis } = this.coordination;
    return [
      sum('isthmus_workers', 'Workers that reported.', () => 1),
      sum('isthmus_workers_draining', 'Workers that accept no new work.', () => Number(this.readiness.isDraining)),
      sum('isthmus_sessions', 'Sessions of legacy clients.', () => this.sessions.size),
      sum('isthmus_session_streams', 'Sessions whose client has a server stream open.', () =>
        this.countSessions(({ serverStream }) => Number(serverStream?.isAttached === true)),
      ),
      sum('isthmus_session_calls_in_flight', 'Calls of sessions that have no outcome yet.', () =>
        this.countSessions(({ callsInFlight }) => callsInFlight),
      ),
      sum('isthmus_parked_calls', 'Calls that wait for answers of their client.', () => this.parkedCalls.list().length),
      sum(
        'isthmus_upstream_connections',
        'Connections to servers, and leases on connections of other workers.',
        () => this.upstreams.list(EVERYTHING).length,
      ),
      min('isthmus_database_up', '1 if the database answers within a second.', () => this.readDatabase()),
      ...(redis ? [min('isthmus_redis_up', '1 if Redis is connected.', () => Number(redis.commands.isReady))] : []),
    ];
  }

  private stateOfProcess(): GaugeSource[] {
    const eventLoop = (this.eventLoop = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS }));
    eventLoop.enable();
    const p99 = () => {
      const seconds = eventLoop.percentile(99) / NANOSECONDS;
      eventLoop.reset();
      return seconds;
    };
    const memory = () => process.memoryUsage();
    return [
      max('isthmus_event_loop_delay_p99_seconds', 'Delay of the event loop since the last collection.', p99),
      sum('process_resident_memory_bytes', 'Resident memory.', () => memory().rss),
      sum('nodejs_heap_used_bytes', 'Used heap of JavaScript.', () => memory().heapUsed),
      sum('isthmus_cpu_seconds', 'Processor time of the running workers.', () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / MICROSECONDS;
      }),
    ];
  }

  private countSessions(count: (session: Session) => number): number {
    let total = 0;
    for (const session of this.sessions.liveSessions) total += count(session);
    return total;
  }

  private async readDatabase(): Promise<number> {
    const { promise: late, resolve } = Promise.withResolvers<number>();
    const cancel = this.clock.after(DATABASE_TIMEOUT_MS, () => resolve(0));
    const answer = sql`select 1`.execute(this.database.tables()).then(
      () => 1,
      () => 0,
    );
    return Promise.race([answer, late]).finally(cancel);
  }
}

type Read = GaugeSource['read'];
const sum = (name: string, help: string, read: Read): GaugeSource => ({ name, help, aggregation: 'sum', read });
const min = (name: string, help: string, read: Read): GaugeSource => ({ name, help, aggregation: 'min', read });
const max = (name: string, help: string, read: Read): GaugeSource => ({ name, help, aggregation: 'max', read });
