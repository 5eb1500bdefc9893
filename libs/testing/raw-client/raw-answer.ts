import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject, RequestId } from '#lib/mcp-protocol';

/** Everything that was received for one request, unchecked. */
export interface RawAnswer {
  readonly id: RequestId;
  /** HTTP status of the response to the POST. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Raw body of that response. */
  readonly body: string;
  /** Messages with `result` or `error`, in order of arrival. A correct peer sends exactly one. */
  readonly answers: readonly JsonObject[];
  /** Notifications and questions that were received as well. */
  readonly others: readonly JsonObject[];
}

/** Type and data of the events in a part of an event stream. */
export function eventData(text: string): { type: string; data: string }[] {
  return text
    .replaceAll('\r\n', '\n')
    .split('\n\n')
    .map((block) => {
      const lines = block.split('\n');
      const type =
        lines
          .find((line) => line.startsWith('event:'))
          ?.slice(6)
          .trim() ?? 'message';
      const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, ''));
      return { type, data: data.join('\n') };
    })
    .filter(({ data }) => data !== '');
}

/** The messages in a response body that is JSON or an event stream; empty for any other body. */
export function messagesIn(contentType: string | undefined, body: string): JsonObject[] {
  if (contentType?.startsWith('text/event-stream') === true) {
    return eventData(body).map(({ data }) => JSON.parse(data) as JsonObject);
  }
  if (contentType?.startsWith('application/json') !== true || body === '') return [];
  const value = JSON.parse(body) as JsonObject | JsonObject[];
  return Array.isArray(value) ? value : [value];
}

export const isAnswer = (message: JsonObject): boolean => 'result' in message || 'error' in message;
