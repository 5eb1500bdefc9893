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
const FAILURES: ReadonlySet<number> = new Set([
  GatewayCode.upstreamFailed,
  GatewayCode.upstreamBrokeProtocol,
  GatewayCode.outcomeUnknown,
]);

const NOTHING_KNOWN: HealthView = { state: 'unknown', failures: 0 };

/** Remembers of each server when it answered last, and what failed last. */
@Injectable()
export class ServerHealth {
  private readonly known = new Map<string, HealthView>();

  constructor(private readonly registry: ServerRegistry) {}

  of(slug: string): HealthView {
    return this.known.get(slug) ?? NOTHING_KNOWN;
  }

  /** A call that its client gave up says nothing of the server. */
  note(slug: string, outcome: Outcome, { aborted }: AbortSignal): void {
    const before = this.of(slug);
    if (outcome.kind === 'result' || outcome.httpStatus === undefined) {
      this.keep(slug, { ...before, state: 'up', answeredAt: Date.now(), failures: 0 });
    } else if (!aborted && FAILURES.has(outcome.error.code)) {
      const { code, message: reason } = outcome.error;
      this.keep(slug, { ...before, state: 'down', failedAt: Date.now(), code, reason, failures: before.failures + 1 });
    }
  }

  private keep(slug: string, view: HealthView): void {
    const isNew = !this.known.has(slug);
    this.known.set(slug, view);
    if (!isNew) return;
    const slugs = new Set(this.registry.snapshot.servers.map((server) => server.slug));
    for (const known of this.known.keys()) if (!slugs.has(known)) this.known.delete(known);
  }
}
