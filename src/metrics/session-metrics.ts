import { Injectable } from '@nestjs/common';
import { SUPPORTED_REVISIONS } from '#lib/mcp-protocol';
import { WorkerBusServer } from '#lib/worker-bus';
import { Clock } from '#lib/time';
import { UpstreamPool } from '../connections/index.js';
import { SessionPool } from '../session-pool/index.js';
import { CONVENTION_BUCKETS } from './buckets.js';
import { OTHER } from './label-values.js';
import type { Meters } from './meters.js';

const MILLISECONDS = 1_000;
const FORWARD_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

const CLIENT_SESSIONS = {
  name: 'mcp_server_session_duration_seconds',
  help: 'Duration of sessions of legacy clients, over all workers that had them.',
  labels: ['mcp_protocol_version'],
} as const;
const UPSTREAM_SESSIONS = {
  name: 'mcp_client_session_duration_seconds',
  help: 'Duration of sessions at legacy servers and of processes of servers, at the worker where they ended.',
  labels: ['mcp_protocol_version', 'network_transport'],
} as const;
const FORWARDING = {
  name: 'isthmus_forward_latency_seconds',
  help: 'Time until another worker accepted a request that was forwarded to it.',
  labels: [],
} as const;

/** Measures sessions when they end, and the way to other workers. */
@Injectable()
export class SessionMetrics {
  constructor(
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
    private readonly bus: WorkerBusServer,
    private readonly clock: Clock,
  ) {}

  register(meters: Meters): void {
    const clientSessions = meters.histogram(CLIENT_SESSIONS, CONVENTION_BUCKETS);
    this.sessions.onEnd(({ client, startedAt }) => {
      // Another worker may have begun the session by its own clock.
      const durationMs = Math.max(0, this.clock.now() - startedAt);
      clientSessions.record({ mcp_protocol_version: toVersion(client.revision) }, durationMs / MILLISECONDS);
    });
    const upstreamSessions = meters.histogram(UPSTREAM_SESSIONS, CONVENTION_BUCKETS);
    this.upstreams.endedSessions.listen(({ revision, transport, durationMs }) => {
      const labels = {
        mcp_protocol_version: toVersion(revision),
        network_transport: transport === 'stdio' ? 'pipe' : 'tcp',
      };
      upstreamSessions.record(labels, durationMs / MILLISECONDS);
    });
    const forwarding = meters.histogram(FORWARDING, FORWARD_BUCKETS);
    this.bus.node.onAccepted((latencyMs) => forwarding.record({}, latencyMs / MILLISECONDS));
  }
}

const toVersion = (revision: string): string =>
  SUPPORTED_REVISIONS.some((known) => known === revision) ? revision : OTHER;
