import type { JsonValue } from '../json.js';
import { JsonFault, parseJson } from '../parse-json.js';

/** A complete HTTP answer whose body is not an event stream. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText?: string | undefined;
  readonly contentType?: string | undefined;
  readonly wwwAuthenticate?: string | undefined;
  readonly retryAfter?: string | undefined;
  readonly body: string;
}

/** Parses the body; returns the fault if it is not JSON. */
export function parseBody(body: string, parse: (text: string) => JsonValue = parseJson): JsonValue | JsonFault {
  try {
    return parse(body);
  } catch (error) {
    if (error instanceof JsonFault) return error;
    throw error;
  }
}
