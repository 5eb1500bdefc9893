import type { BroadcastResult } from '../../workers/index.js';
import type { HealthView } from '../../connections/index.js';

/** Health of a server at each worker, derived from its last calls. Times are RFC 3339. */
export interface HealthResponse {
  readonly items: readonly (Omit<HealthView, 'answeredAt' | 'failedAt'> & {
    readonly worker: string;
    readonly answeredAt?: string;
    readonly failedAt?: string;
  })[];
  /** Workers that did not reply. */
  readonly silentWorkers: readonly string[];
}

export function toHealthResponse({ answers, unresponsive }: BroadcastResult<HealthView>): HealthResponse {
  const items = answers.map(({ worker, answer: { answeredAt, failedAt, ...view } }) => ({
    worker,
    ...view,
    ...(answeredAt !== undefined && { answeredAt: new Date(answeredAt).toISOString() }),
    ...(failedAt !== undefined && { failedAt: new Date(failedAt).toISOString() }),
  }));
  return { items, silentWorkers: unresponsive };
}
