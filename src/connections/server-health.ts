import { Injectable } from '@nestjs/common';
import { GatewayCode, type Outcome } from '#lib/mcp-protocol';
import { ServerRegistry } from '../registry/index.js';

/** Results of this worker's latest calls to one server. Times are milliseconds since the Unix epoch. */
export interface HealthView {
  /** Result of the last call. `unknown` before the first call. */
  readonly state: 'up' | 'down' | 'unknown';
  readonly answeredAt?: number;
  readonly failedAt?: number;
  /** Code and message of the last failure. */
  readonly code?: number;
  readonly reason?: string;
  /** Number of failures since the server last answered. */
  readonly failures: number;
}

/** Codes of failures caused by the server or by the network to it. */
const FAILURE_CODES: ReadonlySet<number> = new Set([
  GatewayCode.upstreamFailed,
  GatewayCode.upstreamBrokeProtocol,
  GatewayCode.outcomeUnknown,
]);

const UNKNOWN_HEALTH: HealthView = { state: 'unknown', failures: 0 };

/** Records for each server when it last answered, and its last failure. */
@Injectable()
export class ServerHealth {
  private readonly views = new Map<string, HealthView>();

  constructor(private readonly registry: ServerRegistry) {}

  get(slug: string): HealthView {
    return this.views.get(slug) ?? UNKNOWN_HEALTH;
  }

  /** Records the outcome of a call. Ignores the failure of a call that its client cancelled. */
  record(slug: string, outcome: Outcome, { aborted }: AbortSignal): void {
    const before = this.get(slug);
    if (outcome.kind === 'result' || outcome.httpStatus === undefined) {
      this.store(slug, { ...before, state: 'up', answeredAt: Date.now(), failures: 0 });
    } else if (!aborted && FAILURE_CODES.has(outcome.error.code)) {
      const { code, message: reason } = outcome.error;
      this.store(slug, { ...before, state: 'down', failedAt: Date.now(), code, reason, failures: before.failures + 1 });
    }
  }

  private store(slug: string, view: HealthView): void {
    const isNew = !this.views.has(slug);
    this.views.set(slug, view);
    if (!isNew) return;
    const slugs = new Set(this.registry.snapshot.servers.map((server) => server.slug));
    for (const known of this.views.keys()) if (!slugs.has(known)) this.views.delete(known);
  }
}
