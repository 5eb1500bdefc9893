import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject, RequestId } from '#lib/mcp-protocol';

/** Everything that came back to one request, unjudged. */
export interface RawAnswer {
  readonly id: RequestId;
  /** HTTP status of the response to the POST. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Body of that response as it came. */
  readonly body: string;
  /** Messages with `result` or `error`, in order of arrival. A good peer sends exactly one. */
  readonly answers: readonly JsonObject[];
  /** Notifications and questions that came before. */
  readonly others: readonly JsonObject[];
}

/** Data of the message events in a piece of an event stream. */
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

/** The messages in a response body, JSON or event stream; what is neither is left out. */
export function messagesIn(contentType: string | undefined, body: string): JsonObject[] {
  if (contentType?.startsWith('text/event-stream') === true) {
    return eventData(body).map(({ data }) => JSON.parse(data) as JsonObject);
  }
  if (contentType?.startsWith('application/json') !== true || body === '') return [];
  const value = JSON.parse(body) as JsonObject | JsonObject[];
  return Array.isArray(value) ? value : [value];
}

export const isAnswer = (message: JsonObject): boolean => 'result' in message || 'error' in message;
