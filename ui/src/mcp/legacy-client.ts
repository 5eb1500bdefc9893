import { CAPABILITIES, CLIENT_INFO, type McpClient, type RequestOptions } from './client.js';
import { isObject, type JsonObject } from '../values/index.js';
import { Declined, isAnswer, McpError, type Listener, type Message } from './messages.js';
import { resultOf, toQuestion } from './modern-client.js';
import { post, resume, type Reply } from './post.js';

export const LEGACY_REVISION = '2025-11-25';
const DEFAULT_RETRY_MS = 1_000;
const REJECTED_BY_USER = -1;
const INTERNAL_ERROR = -32_603;

/** Streamable HTTP with a session (revision 2025-11-25): a question arrives while its request stays open. */
export class LegacyClient implements McpClient {
  readonly era = 'legacy';
  private lastId = 0;
  private session: Promise<Readonly<Record<string, string>>> | undefined;
  private opened: Readonly<Record<string, string>> = {};

  constructor(private readonly url: string) {}

  async request(method: string, params: JsonObject, options: RequestOptions): Promise<JsonObject> {
    const headers = await this.connect(options);
    try {
      return await this.exchange(method, params, headers, options);
    } catch (cause) {
      // The session is over: the next request opens another one.
      if (cause instanceof McpError && cause.httpStatus === 404) this.session = undefined;
      throw cause;
    }
  }

  close(): void {
    const headers = this.opened;
    this.session = undefined;
    this.opened = {};
    if (headers['mcp-session-id'] === undefined) return;
    fetch(this.url, { method: 'DELETE', headers, credentials: 'same-origin', keepalive: true }).catch(() => undefined);
  }

  private connect(options: RequestOptions): Promise<Readonly<Record<string, string>>> {
    this.session ??= this.initialize(options).catch((cause: unknown) => {
      this.session = undefined;
      throw cause;
    });
    return this.session;
  }

  private async initialize(options: RequestOptions): Promise<Readonly<Record<string, string>>> {
    let sessionId: string | null = null;
    const params = { protocolVersion: LEGACY_REVISION, capabilities: CAPABILITIES, clientInfo: CLIENT_INFO };
    const result = await this.exchange('initialize', params, {}, options, (response) => {
      sessionId = response.headers.get('mcp-session-id');
    });
    const { protocolVersion, capabilities } = result;
    const headers = {
      'mcp-protocol-version': typeof protocolVersion === 'string' ? protocolVersion : LEGACY_REVISION,
      ...(sessionId !== null && { 'mcp-session-id': sessionId }),
    };
    this.opened = headers;
    await this.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers, options);
    if (isObject(capabilities) && 'logging' in capabilities)
      await this.exchange('logging/setLevel', { level: 'debug' }, headers, options);
    return headers;
  }

  private async exchange(
    method: string,
    params: JsonObject,
    headers: Readonly<Record<string, string>>,
    options: RequestOptions,
    onResponse?: (response: Response) => void,
  ): Promise<JsonObject> {
    const id = (this.lastId += 1);
    const message: Message = { jsonrpc: '2.0', id, method, params };
    options.listener.onMessage('sent', message);
    const cancel = () => {
      // A client must not cancel its initialize request (specification 2025-11-25: Cancellation).
      if (method === 'initialize') return;
      const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } };
      void this.send(cancelled, headers, options).catch(() => undefined);
    };
    options.signal.addEventListener('abort', cancel);
    try {
      const reply = await post(this.url, message, { ...headers, ...options.headers }, options.signal);
      onResponse?.(reply.response);
      return await this.resultIn(reply, id, headers, options);
    } finally {
      options.signal.removeEventListener('abort', cancel);
    }
  }

  /** Reads a stream to the result. A server may end the stream before, to have it continued. */
  private async resultIn(
    first: Reply,
    id: number,
    headers: Readonly<Record<string, string>>,
    options: RequestOptions,
  ): Promise<JsonObject> {
    let reply: Reply | undefined = first;
    let lastEventId: string | undefined;
    let retryMs = DEFAULT_RETRY_MS;
    while (reply) {
      for await (const { message, event } of reply.messages) {
        lastEventId = event?.id ?? lastEventId;
        retryMs = event?.retryMs ?? retryMs;
        if (!message) continue;
        options.listener.onMessage('received', message);
        if (isAnswer(message) && message['id'] === id) return resultOf(message);
        this.receive(message, headers, options);
      }
      if (lastEventId === undefined) break;
      await delay(retryMs, options.signal);
      reply = await resume(this.url, lastEventId, headers, options.signal);
    }
    throw new McpError('The stream ended without a result.', undefined, { outcome: 'unknown' }, undefined);
  }

  private receive(message: Message, headers: Readonly<Record<string, string>>, options: RequestOptions): void {
    const { id, method, params } = message;
    if (typeof method !== 'string') return;
    if (id === undefined) options.listener.onNotification(method, isObject(params) ? params : {});
    else void this.answer(message, headers, options);
  }

  private async answer(
    question: Message,
    headers: Readonly<Record<string, string>>,
    options: RequestOptions,
  ): Promise<void> {
    const { id, method } = question;
    const result = method === 'ping' ? { result: {} } : await answerOf(options.listener, question, options.signal);
    if (!options.signal.aborted) await this.send({ jsonrpc: '2.0', id, ...result }, headers, options);
  }

  private async send(
    message: Message,
    headers: Readonly<Record<string, string>>,
    { listener }: RequestOptions,
  ): Promise<void> {
    listener.onMessage('sent', message);
    const { response } = await post(this.url, message, headers, null);
    await response.body?.cancel();
  }
}

async function answerOf({ onQuestion }: Listener, question: Message, signal: AbortSignal): Promise<JsonObject> {
  try {
    return { result: await onQuestion(toQuestion(question), signal) };
  } catch (cause) {
    const code = cause instanceof Declined ? REJECTED_BY_USER : INTERNAL_ERROR;
    return { error: { code, message: cause instanceof Error ? cause.message : 'The question was not answered.' } };
  }
}

/** @throws the reason of the signal once it is aborted */
async function delay(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal.reason as Error);
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', abort);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
