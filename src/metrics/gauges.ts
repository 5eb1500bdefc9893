import { Injectable } from '@nestjs/common';
import { ParkedCalls } from '../calls/index.js';
import { UpstreamPool } from '../connections/index.js';
import { Readiness } from '../lifecycle/index.js';
import { SessionPool, type Session } from '../session-pool/index.js';
import { OpenReplies } from '../transport/index.js';
import { UpstreamConnector } from '../upstream/index.js';
import type { Meters, ObservedMetric } from './meters.js';
import { sum } from './observed-metrics.js';

/** What this worker holds now for clients and at servers, read when the metrics are collected. */
@Injectable()
export class Gauges {
  constructor(
    private readonly sessions: SessionPool,
    private readonly replies: OpenReplies,
    private readonly parkedCalls: ParkedCalls,
    private readonly upstreams: UpstreamPool,
    private readonly connector: UpstreamConnector,
    private readonly readiness: Readiness,
  ) {}

  register(meters: Meters): void {
    for (const metric of [...this.ofWorker(), ...this.ofClients(), ...this.ofServers()]) meters.observe(metric);
  }

  private ofWorker(): ObservedMetric[] {
    const isDraining = () => Number(this.readiness.isDraining);
    return [
      sum('isthmus_workers', 'Workers that reported.', () => 1),
      sum('isthmus_workers_draining', 'Workers that accept no new work.', isDraining),
    ];
  }

  private ofClients(): ObservedMetric[] {
    const streams = ({ serverStream }: Session) => Number(serverStream?.isAttached === true);
    const calls = ({ callsInFlight }: Session) => callsInFlight;
    const parked = () => this.parkedCalls.size;
    return [
      sum('isthmus_sessions', 'Sessions of legacy clients.', () => this.sessions.size),
      sum('isthmus_session_streams', 'Sessions whose client has a server stream open.', () => this.count(streams)),
      sum('isthmus_session_calls_in_flight', 'Calls of sessions that have no outcome yet.', () => this.count(calls)),
      sum(
        'isthmus_open_responses',
        'Responses to clients that are not complete, such as open streams.',
        () => this.replies.size,
      ),
      sum('isthmus_parked_calls', 'Calls that wait for answers of their client.', parked),
    ];
  }

  private ofServers(): ObservedMetric[] {
    const { upstreams, connector } = this;
    const connections = () => upstreams.counts.connections;
    const sessions = () => upstreams.counts.sessions;
    return [
      sum(
        'isthmus_upstream_connections',
        'Connections to servers, and leases on connections of other workers.',
        connections,
      ),
      sum(
        'isthmus_upstream_sessions',
        'Sessions at legacy servers and processes of servers that the workers own.',
        sessions,
      ),
      sum('isthmus_child_processes', 'Processes of servers that are running.', () => connector.childProcesses),
    ];
  }

  private count(countOne: (session: Session) => number): number {
    let total = 0;
    for (const session of this.sessions.liveSessions) total += countOne(session);
    return total;
  }
}
