import { Injectable } from '@nestjs/common';
import { GatewayCode, type Outcome } from '#lib/mcp-protocol';
import { ServerRegistry } from '../registry/index.js';

/** How the calls of this worker at one server have ended lately. Times are milliseconds since the Unix epoch. */
export interface HealthView {
  /** As the last call ended. `unknown`: there was none. */
  readonly state: 'up' | 'down' | 'unknown';
  readonly answeredAt?: number;
  readonly failedAt?: number;
  /** Code and message of the last failure. */
  readonly code?: number;
  readonly reason?: string;
  /** Failures since it answered last. */
  readonly failures: number;
}

/** What is the server's fault, or that of the way to it. */
const FAILURE_CODES: ReadonlySet<number> = new Set([
  GatewayCode.upstreamFailed,
  GatewayCode.upstreamBrokeProtocol,
  GatewayCode.outcomeUnknown,
]);

const UNKNOWN_HEALTH: HealthView = { state: 'unknown', failures: 0 };

/** Remembers of each server when it answered last, and what failed last. */
@Injectable()
export class ServerHealth {
  private readonly views = new Map<string, HealthView>();

  constructor(private readonly registry: ServerRegistry) {}

  get(slug: string): HealthView {
    return this.views.get(slug) ?? UNKNOWN_HEALTH;
  }

  /** A call that its client gave up says nothing of the server. */
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
