import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { EventReader } from './event-reader.js';
import type { StreamedEvent } from './events-in.js';

export interface RoamingOptions {
  readonly token: string;
  /** Path of the endpoint, without `/mcp`. */
  readonly path?: string;
  readonly revision?: string;
  readonly capabilities?: JsonObject;
  /** Name of the program that the client claims to be. */
  readonly name?: string;
}

/** The worker that a message is sent to. */
export interface WorkerAddress {
  /** `http://127.0.0.1:port` */
  readonly url: string;
}

/** One complete answer. */
export interface ReadAnswer {
  readonly status: number;
  /** All received messages, in order. */
  readonly messages: readonly JsonObject[];
}

const DEFAULTS = { path: '/servers/ref', revision: '2025-11-25', capabilities: {}, name: 'roaming' };

/** A streamable HTTP client that sends each message of its session to a chosen worker, as behind a load balancer. */
export class RoamingClient {
  private constructor(
    readonly session: string,
    private readonly options: Required<RoamingOptions>,
  ) {}

  /** Opens a session, which this worker then owns. Throws when the handshake fails. */
  static async initialize(worker: WorkerAddress, options: RoamingOptions): Promise<RoamingClient> {
    const whole = { ...DEFAULTS, ...options };
    const { revision, capabilities, name } = whole;
    const params = { protocolVersion: revision, capabilities, clientInfo: { name, version: '1.0.0' } };
    const stranger = new RoamingClient('', whole);
    const answer = await stranger.post(worker, { jsonrpc: '2.0', id: 'handshake', method: 'initialize', params });
    const text = await answer.text();
    const session = answer.headers.get('mcp-session-id');
    if (session === null) throw new Error(`No session was opened: ${answer.status} ${text}`);
    return new RoamingClient(session, whole);
  }

  post(worker: WorkerAddress, body: JsonValue, signal?: AbortSignal): Promise<Response> {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    return this.send(worker, { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) });
  }

  /** Sends a call of a tool with a progress token. Its id is also its mark at the counting server. */
  call(
    worker: WorkerAddress,
    id: string,
    tool: string,
    args: JsonObject = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    return this.post(worker, toolCall(id, tool, args), signal);
  }

  /**
   * Sends a call and opens the event stream of its answer. Retries a call that was not executed, as its error advises: on a
   * slow machine the owner may accept too late. Throws when another answer is not a stream.
   */
  async openStream(
    worker: WorkerAddress,
    id: string,
    tool: string,
    args: JsonObject = {},
    signal?: AbortSignal,
  ): Promise<EventReader> {
    for (;;) {
      const answer = await this.call(worker, id, tool, args, signal);
      if (answer.headers.get('content-type')?.startsWith('text/event-stream') === true) return new EventReader(answer);
      const text = await answer.text();
      if (!isRetriable(text)) throw new Error(`The call was answered at once: ${answer.status} ${text}`);
    }
  }

  /** Makes a call and reads the complete answer. */
  async callAndRead(
    worker: WorkerAddress,
    id: string,
    tool = 'echo',
    args: JsonObject = { text: id },
  ): Promise<ReadAnswer> {
    return read(await this.call(worker, id, tool, args));
  }

  /** Makes any other request and reads the complete answer. */
  async request(worker: WorkerAddress, method: string, params: JsonObject = {}): Promise<ReadAnswer> {
    return read(await this.post(worker, { jsonrpc: '2.0', id: method, method, params }));
  }

  async notify(worker: WorkerAddress, method: string, params: JsonObject = {}): Promise<ReadAnswer> {
    return read(await this.post(worker, { jsonrpc: '2.0', method, params }));
  }

  /** GET: opens the server stream, or resumes a stream. */
  stream(worker: WorkerAddress, lastEventId?: string): Promise<Response> {
    const resumed = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return this.send(worker, { method: 'GET', headers: { accept: 'text/event-stream', ...resumed } });
  }

  end(worker: WorkerAddress): Promise<Response> {
    return this.send(worker, { method: 'DELETE' });
  }

  private send({ url }: WorkerAddress, init: RequestInit): Promise<Response> {
    const { token, path, revision } = this.options;
    const own = this.session && { 'mcp-session-id': this.session, 'mcp-protocol-version': revision };
    const headers = { authorization: `Bearer ${token}`, ...own, ...(init.headers as Record<string, string>) };
    return fetch(`${url}${path}/mcp`, { ...init, headers });
  }
}

/** Returns true when the answer states that the call was not executed and may be retried. */
function isRetriable(text: string): boolean {
  const { error } = JSON.parse(text) as { error?: { data?: { outcome?: string; retriable?: boolean } } };
  return error?.data?.outcome === 'not_executed' && error.data.retriable === true;
}

/** Builds a `tools/call` message whose mark and progress token derive from its id. */
export function toolCall(id: string, name: string, args: JsonObject = {}): JsonObject {
  const params = { name, arguments: { ...args, call: id }, _meta: { progressToken: `of ${id}` } };
  return { jsonrpc: '2.0', id, method: 'tools/call', params };
}

/** Reads a complete answer: an event stream, JSON or an empty body. */
export async function read(response: Response): Promise<ReadAnswer> {
  const { status, headers } = response;
  if (headers.get('content-type')?.startsWith('text/event-stream') === true) {
    return { status, messages: await new EventReader(response).rest() };
  }
  const text = await response.text();
  return { status, messages: text === '' ? [] : [JSON.parse(text) as JsonObject | JsonObject[]].flat() };
}

/** The next message of a stream with its event id. Throws at the end of the stream. */
export async function nextMessage(stream: EventReader): Promise<StreamedEvent> {
  for (;;) {
    const event = await stream.next();
    if (!event) throw new Error('The stream is over.');
    if (event.data !== '') return { id: event.id, message: JSON.parse(event.data) as JsonObject };
  }
}
