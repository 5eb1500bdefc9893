import { CAPABILITIES, CLIENT_INFO, type McpClient, type RequestOptions } from './client.js';
import { headerValue } from './tool-headers.js';
import { isObject, type JsonObject } from '../values/index.js';
import { isAnswer, McpError, toError, type Message, type Question } from './messages.js';
import { post } from './post.js';

export const MODERN_REVISION = '2026-07-28';
const KEY = 'io.modelcontextprotocol/';
/** A server may ask again after each answer, at most this often. */
const MAX_ROUNDS = 50;

/** Streamable HTTP of revision 2026-07-28: every request stands alone, and a question ends it until it is repeated. */
export class ModernClient implements McpClient {
  readonly era = 'modern';
  private lastId = 0;

  constructor(private readonly url: string) {}

  async request(method: string, params: JsonObject, options: RequestOptions): Promise<JsonObject> {
    let answers: JsonObject = {};
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const result = await this.send(method, { ...params, ...answers }, options);
      if (result['resultType'] !== 'input_required') return result;
      answers = await answersTo(result, options);
    }
    throw new McpError(`The server has asked ${MAX_ROUNDS} times without a result.`, undefined, {}, undefined);
  }

  close(): void {
    // The server keeps nothing for this client.
  }

  private async send(
    method: string,
    params: JsonObject,
    { listener, signal, headers = {} }: RequestOptions,
  ): Promise<JsonObject> {
    const { _meta: meta, ...others } = params;
    const message: Message = {
      jsonrpc: '2.0',
      id: (this.lastId += 1),
      method,
      params: { ...others, _meta: { ...metaOfClient(), ...(isObject(meta) && meta) } },
    };
    const name = params['name'] ?? params['uri'];
    listener.onMessage('sent', message);
    const { messages } = await post(
      this.url,
      message,
      {
        'mcp-protocol-version': MODERN_REVISION,
        'mcp-method': method,
        ...(typeof name === 'string' && { 'mcp-name': headerValue(name) }),
        ...headers,
      },
      signal,
    );
    for await (const { message: received } of messages) {
      if (!received) continue;
      listener.onMessage('received', received);
      if (isAnswer(received)) return resultOf(received);
      const { method: notified, params: own } = received;
      if (typeof notified === 'string') listener.onNotification(notified, isObject(own) ? own : {});
    }
    throw new McpError('The stream ended without a result.', undefined, { outcome: 'unknown' }, undefined);
  }
}

const metaOfClient = (): JsonObject => ({
  [`${KEY}protocolVersion`]: MODERN_REVISION,
  [`${KEY}clientInfo`]: CLIENT_INFO,
  [`${KEY}clientCapabilities`]: CAPABILITIES,
  [`${KEY}logLevel`]: 'debug',
});

export function resultOf({ result, error }: Message): JsonObject {
  if (error !== undefined) throw toError(error, 200);
  return isObject(result) ? result : {};
}

/** The answers to all questions of a result, and its state (specification 2026-07-28: Multi Round-Trip Requests). */
async function answersTo(
  { inputRequests, requestState }: JsonObject,
  { listener, signal }: RequestOptions,
): Promise<JsonObject> {
  const questions = Object.entries(isObject(inputRequests) ? inputRequests : {});
  const responses = await Promise.all(
    questions.map(async ([key, question]) => [key, await listener.onQuestion(toQuestion(question), signal)] as const),
  );
  return {
    ...(responses.length > 0 && { inputResponses: Object.fromEntries(responses) }),
    ...(requestState !== undefined && { requestState }),
  };
}

export function toQuestion(value: unknown): Question {
  const { method, params } = isObject(value) ? value : {};
  return { method: typeof method === 'string' ? method : '', params: isObject(params) ? params : {} };
}
