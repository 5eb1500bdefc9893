import { isObject, textOf, textsOf } from '../values/index.js';

/** A failed request in the words of the API (RFC 9457). */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string | undefined,
    /** All faults of the request, one sentence each. */
    readonly faults: readonly string[],
    /** Stable reason of a refused change, such as `version_mismatch`. */
    readonly reason: string | undefined,
  ) {
    super(detail ?? title);
  }
}

/** Reads the problem document of a response. A proxy may have answered with something else. */
export function toProblem({ status, statusText }: Response, body: unknown): ApiProblem {
  const problem = isObject(body) ? body : {};
  const title = textOf(problem['title']) || statusText || `HTTP ${status}`;
  const optional = (name: string) => textOf(problem[name]) || undefined;
  return new ApiProblem(status, title, optional('detail'), textsOf(problem['errors']), optional('reason'));
}

/** True when the entry was changed by somebody else since it was read. */
export const isConflict = (cause: unknown): boolean => cause instanceof ApiProblem && cause.status === 412;
