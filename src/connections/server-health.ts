import { Injectable, Optional } from '@nestjs/common';
import { GatewayCode, type Outcome } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { ServerRegistry } from '../registry/index.js';
import { FailureDetails } from '../upstream/index.js';

/** Results of this worker's latest calls to one server. Times are milliseconds since the Unix epoch. */
export interface HealthView {
  /** Result of the last call. `unknown` before the first call. */
  readonly state: 'up' | 'down' | 'unknown';
  readonly answeredAt?: number;
  readonly failedAt?: number;
  /** Code and message of the last failure. */
  readonly code?: number;
  readonly reason?: string;
  /** What operators need to mend the last failure, such as the last output of a process. Callers are not told. */
  readonly detail?: string;
  /** Number of failures since the server last answered. */
  readonly failures: number;
  /** What was repaired or left out when its lists were read last, and lists that ended oddly. */
  readonly warnings?: readonly string[];
}

/** The warnings of one page of a list. */
export interface ListPageWarnings {
  readonly method: string;
  readonly isFirstPage: boolean;
  readonly warnings: readonly string[];
}

/** Codes of failures caused by the server or by the network to it. */
const FAILURE_CODES: ReadonlySet<number> = new Set([
  GatewayCode.upstreamFailed,
  GatewayCode.upstreamBrokeProtocol,
  GatewayCode.outcomeUnknown,
]);

/** Maximum number of warnings of one list that are kept. */
const MAX_LIST_WARNINGS = 100;

const UNKNOWN_HEALTH: HealthView = { state: 'unknown', failures: 0 };

/** Records for each server when it last answered, and its last failure. */
@Injectable()
export class ServerHealth {
  private readonly views = new Map<string, HealthView>();
  /** By server and list. */
  private readonly listWarnings = new Map<string, Map<string, readonly string[]>>();

  constructor(
    private readonly registry: ServerRegistry,
    private readonly clock: Clock,
    @Optional() private readonly details?: FailureDetails,
  ) {}

  get(slug: string): HealthView {
    const view = this.views.get(slug) ?? UNKNOWN_HEALTH;
    const warnings = [...(this.listWarnings.get(slug)?.values() ?? [])].flat();
    const failure = this.details?.get(slug);
    const isCurrent = failure !== undefined && failure.at >= (view.answeredAt ?? 0);
    return { ...view, ...(isCurrent && { detail: failure.detail }), ...(warnings.length > 0 && { warnings }) };
  }

  /** The detail of the last failure, if it happened at this time or later. Times are milliseconds since the Unix epoch. */
  detailSince(slug: string, since: number): string | undefined {
    const failure = this.details?.get(slug);
    return failure !== undefined && failure.at >= Math.floor(since) ? failure.detail : undefined;
  }

  /** Returns the health of every configured server. Names of servers cannot collide with members of objects. */
  all(): Readonly<Record<string, HealthView>> {
    return Object.fromEntries(this.registry.snapshot.servers.map(({ slug }) => [slug, this.get(slug)]));
  }

  /** Replaces the warnings of a list at its first page. */
  recordListWarnings(slug: string, { method, isFirstPage, warnings }: ListPageWarnings): void {
    const known = this.listWarnings.get(slug);
    if (!known && warnings.length === 0) return;
    const lists = known ?? new Map<string, readonly string[]>();
    const earlier = (!isFirstPage && lists.get(method)) || [];
    lists.set(method, [...new Set([...earlier, ...warnings])].slice(0, MAX_LIST_WARNINGS));
    this.listWarnings.set(slug, lists);
    if (!known) this.forgetRemoved(this.listWarnings);
  }

  /** Records the outcome of a call. Ignores the failure of a call that its client cancelled. */
  record(slug: string, outcome: Outcome, { aborted }: AbortSignal): void {
    const before = this.views.get(slug) ?? UNKNOWN_HEALTH;
    if (outcome.kind === 'result' || outcome.httpStatus === undefined) {
      this.store(slug, { ...before, state: 'up', answeredAt: this.clock.now(), failures: 0 });
    } else if (!aborted && FAILURE_CODES.has(outcome.error.code)) {
      const { code, message: reason } = outcome.error;
      this.store(slug, {
        ...before,
        state: 'down',
        failedAt: this.clock.now(),
        code,
        reason,
        failures: before.failures + 1,
      });
    }
  }

  private store(slug: string, view: HealthView): void {
    const isNew = !this.views.has(slug);
    this.views.set(slug, view);
    if (isNew) this.forgetRemoved(this.views);
  }

  private forgetRemoved(known: Map<string, unknown>): void {
    const slugs = new Set(this.registry.snapshot.servers.map((server) => server.slug));
    for (const slug of known.keys()) if (!slugs.has(slug)) known.delete(slug);
  }
}
