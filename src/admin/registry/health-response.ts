import type { BroadcastResult } from '../../workers/index.js';
import type { HealthView } from '../../connections/index.js';
import type { ServerDefinition } from '../../registry/index.js';
import type { ServerState } from '../../server-checks/index.js';
import type { HealthViews } from '../inspection/inspection-orders.js';

type WorkerHealth = Omit<HealthView, 'answeredAt' | 'failedAt'> & {
  readonly worker: string;
  readonly answeredAt?: string;
  readonly failedAt?: string;
};

/** Health of a server at each worker, derived from its last calls. Times are RFC 3339. */
export interface HealthResponse {
  readonly items: readonly WorkerHealth[];
  /** Workers that did not reply. */
  readonly silentWorkers: readonly string[];
}

/** The result of the health checks of a server. */
interface CheckView {
  /** When the server entered its state. */
  readonly since: string;
  readonly checkedAt: string;
  /** Id of the worker that made the last check. */
  readonly checkedBy: string;
  /** Duration of the last check in milliseconds. */
  readonly latencyMs?: number;
  /** Number of failed checks since the last successful one. */
  readonly failures: number;
  readonly lastError?: Omit<NonNullable<ServerState['lastError']>, 'at'> & { readonly at: string };
}

interface ServerHealthSummary extends Partial<CheckView> {
  readonly server: string;
  readonly enabled: boolean;
  /**
   * The state by the health checks. Until the first one is decided, or without checks: `down` if the last call failed at any
   * worker, else `up` if it succeeded at any.
   */
  readonly state: ServerState['state'];
  readonly workers: readonly WorkerHealth[];
}

/** Health of all servers in the order of their configuration. */
export interface ServersHealthResponse {
  readonly items: readonly ServerHealthSummary[];
  /** Workers that did not reply. */
  readonly silentWorkers: readonly string[];
}

export function toHealthResponse({ answers, unresponsive }: BroadcastResult<HealthView>): HealthResponse {
  const items = answers.map(({ worker, answer }) => toWorkerHealth(worker, answer));
  return { items, silentWorkers: unresponsive };
}

export function toServersHealthResponse(
  servers: readonly ServerDefinition[],
  { answers, unresponsive }: BroadcastResult<HealthViews>,
  states: ReadonlyMap<string, ServerState>,
): ServersHealthResponse {
  const items = servers.map(({ slug, enabled }) => {
    const workers = answers.flatMap(({ worker, answer }) => {
      const view = answer.servers[slug];
      return view ? [toWorkerHealth(worker, view)] : [];
    });
    const checked = states.get(slug);
    const state = checked && checked.state !== 'unknown' ? checked.state : toState(workers);
    return { server: slug, enabled, state, ...(checked && toCheckView(checked)), workers };
  });
  return { items, silentWorkers: unresponsive };
}

function toState(workers: readonly WorkerHealth[]): HealthView['state'] {
  const states = new Set(workers.map(({ state }) => state));
  if (states.has('down')) return 'down';
  return states.has('up') ? 'up' : 'unknown';
}

function toCheckView({ since, checkedAt, checkedBy, latencyMs, failures, lastError }: ServerState): CheckView {
  return {
    since: toInstant(since),
    checkedAt: toInstant(checkedAt),
    checkedBy,
    ...(latencyMs !== undefined && { latencyMs }),
    failures,
    ...(lastError && { lastError: { ...lastError, at: toInstant(lastError.at) } }),
  };
}

function toWorkerHealth(worker: string, { answeredAt, failedAt, ...view }: HealthView): WorkerHealth {
  return {
    worker,
    ...view,
    ...(answeredAt !== undefined && { answeredAt: toInstant(answeredAt) }),
    ...(failedAt !== undefined && { failedAt: toInstant(failedAt) }),
  };
}

const toInstant = (at: number): string => new Date(at).toISOString();
