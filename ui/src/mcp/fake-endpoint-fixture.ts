import { jest } from '@jest/globals';
import type { RequestOptions } from './client.js';
import { isObject, type JsonObject } from '../values/index.js';
import type { Message, Question } from './messages.js';

export interface ReceivedRequest {
  readonly verb: string;
  readonly headers: Headers;
  readonly message: Message;
}

export type Reply = (request: ReceivedRequest) => Response | Promise<Response>;

export const URL_OF_ENDPOINT = 'https://gateway.example/mcp';

/** Replaces `fetch` by an endpoint that replies as `reply` says. Returns the requests that it receives. */
export function replaceEndpoint(reply: Reply): readonly ReceivedRequest[] {
  const requests: ReceivedRequest[] = [];
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (url, { method = 'GET', headers, body, signal } = {}) => {
    signal?.throwIfAborted();
    if (url !== URL_OF_ENDPOINT) throw new TypeError('There is no other endpoint.');
    const message: unknown = typeof body === 'string' ? JSON.parse(body) : {};
    const request = { verb: method, headers: new Headers(headers), message: isObject(message) ? message : {} };
    requests.push(request);
    return reply(request);
  });
  return requests;
}

export const toJson = (value: object, status = 200, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });

export const resultFor = ({ message: { id } }: ReceivedRequest, result: JsonObject): Message => ({
  jsonrpc: '2.0',
  id,
  result,
});

export const errorFor = ({ message: { id } }: ReceivedRequest, error: JsonObject): Message => ({
  jsonrpc: '2.0',
  id,
  error,
});

export const toStream = (...events: readonly string[]): Response =>
  new Response(events.map((event) => `${event}\n\n`).join(''), { headers: { 'content-type': 'text/event-stream' } });

export const toEvent = (message: Message): string => `data: ${JSON.stringify(message)}`;

export interface RecordedOptions extends RequestOptions {
  readonly notifications: JsonObject[];
  readonly messages: (readonly [direction: string, method: unknown])[];
}

/** Options of a request that record what the client reports. Without `onQuestion` there must be no question. */
export function recordingOptions(
  onQuestion: (question: Question) => Promise<JsonObject> = () => Promise.reject(new Error('Nobody answers.')),
  signal: AbortSignal = new AbortController().signal,
): RecordedOptions {
  const notifications: JsonObject[] = [];
  const messages: (readonly [string, unknown])[] = [];
  return {
    notifications,
    messages,
    signal,
    listener: {
      onMessage: (direction, message) => void messages.push([direction, message['method']]),
      onNotification: (method, params) => void notifications.push({ method, params }),
      onQuestion,
    },
  };
}
