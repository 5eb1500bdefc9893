import createClient from 'openapi-fetch';
import { toProblem } from './problem.js';
import type { paths } from './schema.js';

/** Public URL of the gateway: the page is served at `<gateway>/admin/ui/`, whatever the path prefix. */
export const GATEWAY_URL = new URL('../..', document.baseURI).href.replace(/\/$/, '');

/** The admin API. Each call is checked against the OpenAPI document of the gateway. */
export const api = createClient<paths>({ baseUrl: GATEWAY_URL, credentials: 'same-origin' });

let onUnauthenticated: () => void = () => undefined;

/** Sets what happens when the API no longer accepts the session. */
export function handleUnauthenticated(handler: () => void): void {
  onUnauthenticated = handler;
}

api.use({
  onResponse({ response }) {
    if (response.status === 401) onUnauthenticated();
  },
});

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** What the API answered. @throws ApiProblem */
export async function dataOf<T>(request: Promise<Answer<T>>): Promise<T> {
  return (await answerOf(request)).data;
}

export interface Versioned<T> {
  readonly data: T;
  /** Entity tag to send as `If-Match` with a change. */
  readonly etag: string;
}

/** What the API answered, with the version that a change must name. @throws ApiProblem */
export async function versionOf<T>(request: Promise<Answer<T>>): Promise<Versioned<T>> {
  const { data, response } = await answerOf(request);
  return { data, etag: response.headers.get('etag') ?? '*' };
}

async function answerOf<T>(request: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await request;
  if (!response.ok) throw toProblem(response, error);
  return { data: data as T, response };
}

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

/** Reads all pages of a list. */
export async function allPages<P extends Page<unknown>>(
  read: (cursor: string | undefined) => Promise<Answer<P>>,
): Promise<P['items'][number][]> {
  const items: P['items'][number][] = [];
  let cursor: string | undefined;
  do {
    const page: P = await dataOf(read(cursor));
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
}

interface WorkerPage<T> extends Page<T> {
  readonly silentWorkers: readonly string[];
}

export interface OfWorkers<T> {
  readonly items: readonly T[];
  /** Workers that did not reply. They may have further items. */
  readonly silentWorkers: readonly string[];
}

/** Reads all pages of a list of what each worker has. */
export async function allWorkerPages<P extends WorkerPage<unknown>>(
  read: (cursor: string | undefined) => Promise<Answer<P>>,
): Promise<OfWorkers<P['items'][number]>> {
  const silentWorkers = new Set<string>();
  const items = await allPages(async (cursor) => {
    const answer = await read(cursor);
    for (const worker of answer.data?.silentWorkers ?? []) silentWorkers.add(worker);
    return answer;
  });
  return { items, silentWorkers: [...silentWorkers] };
}
