import { GATEWAY_URL } from './client.js';
import { toProblem } from './problem.js';

/** Sends a request to the routes of the page itself, such as `session`. @throws ApiProblem */
export async function requestPage<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T> {
  const response = await fetch(`${GATEWAY_URL}/admin/ui/${path}`, {
    method,
    credentials: 'same-origin',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw toProblem(response, answer);
  return answer as T;
}
