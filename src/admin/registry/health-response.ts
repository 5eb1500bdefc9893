import type { BroadcastResult } from '../../workers/index.js';
import type { HealthView } from '../../connections/index.js';
import type { ServerDefinition } from '../../registry/index.js';
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

interface ServerHealthSummary {
  readonly server: string;
  readonly enabled: boolean;
  /** `down` if it is down at any worker, else `up` if it answered any worker. */
  readonly state: HealthView['state'];
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
): ServersHealthResponse {
  const items = servers.map(({ slug, enabled }) => {
    const workers = answers.flatMap(({ worker, answer }) => {
      const view = answer.servers[slug];
      return view ? [toWorkerHealth(worker, view)] : [];
    });
    return { server: slug, enabled, state: toState(workers), workers };
  });
  return { items, silentWorkers: unresponsive };
}

function toState(workers: readonly WorkerHealth[]): HealthView['state'] {
  const states = new Set(workers.map(({ state }) => state));
  if (states.has('down')) return 'down';
  return states.has('up') ? 'up' : 'unknown';
}

function toWorkerHealth(worker: string, { answeredAt, failedAt, ...view }: HealthView): WorkerHealth {
  return {
    worker,
    ...view,
    ...(answeredAt !== undefined && { answeredAt: new Date(answeredAt).toISOString() }),
    ...(failedAt !== undefined && { failedAt: new Date(failedAt).toISOString() }),
  };
}
