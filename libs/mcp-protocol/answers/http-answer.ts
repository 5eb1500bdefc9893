import type { JsonValue } from '../json.js';
import { JsonFault, parseJson } from '../parse-json.js';

/** A complete HTTP answer whose body is no event stream. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText?: string;
  readonly contentType?: string;
  readonly wwwAuthenticate?: string;
  readonly retryAfter?: string;
  readonly body: string;
}

/** The body as a JSON value, or why it is none. */
export function parseBody(body: string): JsonValue | JsonFault {
  try {
    return parseJson(body);
  } catch (error) {
    if (error instanceof JsonFault) return error;
    throw error;
  }
}
