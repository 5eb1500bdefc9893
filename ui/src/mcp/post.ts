import { readEvents, type StreamEvent } from './event-stream.js';
import { isObject, parseObject } from '../values/index.js';
import { McpError, toError, type Message } from './messages.js';

const ACCEPT = 'application/json, text/event-stream';

export interface Reply {
  readonly response: Response;
  /** The messages as they arrive, each with the event that brought it if it is part of a stream. */
  readonly messages: AsyncGenerator<{ readonly message?: Message; readonly event?: StreamEvent }>;
}

/** Posts one message. @throws McpError when it is refused */
export async function post(
  url: string,
  message: Message,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | null,
): Promise<Reply> {
  const response = await send(url, {
    method: 'POST',
    headers: { accept: ACCEPT, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(message),
    signal,
  });
  return { response, messages: messagesOf(response) };
}

/** Continues a stream after an event. @throws McpError when it cannot be continued */
export async function resume(
  url: string,
  lastEventId: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Reply> {
  const response = await send(url, {
    headers: { accept: 'text/event-stream', 'last-event-id': lastEventId, ...headers },
    signal,
  });
  return { response, messages: messagesOf(response) };
}

async function send(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { credentials: 'same-origin', ...init });
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => undefined);
  const error = isObject(body) ? (body['error'] ?? { message: body['detail'] ?? body['title'] }) : undefined;
  throw toError(error, response.status);
}

async function* messagesOf(response: Response): Reply['messages'] {
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('text/event-stream') || !response.body) {
    const text = await response.text();
    if (text !== '') yield { message: parse(text) };
    return;
  }
  for await (const event of readEvents(response.body))
    yield event.data === '' ? { event } : { event, message: parse(event.data) };
}

function parse(text: string): Message {
  const message = parseObject(text);
  if (message) return message;
  throw new McpError('The gateway sent something that is no message of the protocol.', undefined, {}, undefined);
}
