import { useSyncExternalStore } from 'react';
import { api, dataOf, GATEWAY_URL } from './client.js';
import { ApiProblem } from './problem.js';
import type { components } from './schema.js';

export type LiveFigures = components['schemas']['LiveFigures'];

/** A browser reopens an interrupted stream by itself, but not one that was refused. */
const REOPEN_AFTER_MS = 5_000;

/** One stream for the whole page, open while a part of it shows figures. */
class LiveStream {
  private source: EventSource | undefined;
  private reopening: number | undefined;
  private latest: LiveFigures | undefined;
  private problem: ApiProblem | undefined;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    if (this.listeners.size === 1) this.open();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.close();
    };
  };

  readonly figures = (): LiveFigures | undefined => this.latest;

  readonly refusal = (): ApiProblem | undefined => this.problem;

  /** Opens the stream again, after another login. */
  reopen(): void {
    this.close();
    if (this.listeners.size > 0) this.open();
  }

  private open(): void {
    const source = new EventSource(`${GATEWAY_URL}/admin/v1/live`);
    source.addEventListener('figures', ({ data }) => this.publish(JSON.parse(String(data)) as LiveFigures));
    source.addEventListener('error', () => {
      this.publish(undefined, this.problem);
      if (source.readyState === EventSource.CLOSED) void this.explain(source);
    });
    this.source = source;
  }

  /** Asks the API why it has refused the stream, which the browser does not say. Without a session, the login follows. */
  private async explain(source: EventSource): Promise<void> {
    const problem = await refusalOf();
    if (this.source !== source) return;
    this.publish(undefined, problem);
    if (problem?.status === 401) return;
    this.reopening = window.setTimeout(() => this.open(), REOPEN_AFTER_MS);
  }

  private close(): void {
    window.clearTimeout(this.reopening);
    this.source?.close();
    this.source = undefined;
    this.latest = undefined;
    this.problem = undefined;
  }

  private publish(figures: LiveFigures | undefined, problem?: ApiProblem): void {
    this.latest = figures;
    this.problem = problem;
    for (const listener of this.listeners) listener();
  }
}

/** Undefined: the API would open a stream now, or cannot be reached. */
async function refusalOf(): Promise<ApiProblem | undefined> {
  const request = new AbortController();
  try {
    await dataOf(api.GET('/admin/v1/live', { parseAs: 'stream', signal: request.signal }));
    return undefined;
  } catch (cause) {
    return cause instanceof ApiProblem ? cause : undefined;
  } finally {
    request.abort();
  }
}

const stream = new LiveStream();

/** Continues after another login. */
export const reopenLiveFigures = (): void => stream.reopen();

/** The latest figures of the gateway. Undefined until the first ones arrive, and while the stream is interrupted. */
export function useLiveFigures(): LiveFigures | undefined {
  return useSyncExternalStore(stream.subscribe, stream.figures);
}

/** Why the API has refused the figures. Undefined: it has not. */
export function useLiveRefusal(): ApiProblem | undefined {
  return useSyncExternalStore(stream.subscribe, stream.refusal);
}
