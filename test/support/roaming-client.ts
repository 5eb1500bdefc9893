import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { EventReader } from './event-reader.js';
import type { StreamedEvent } from './events-in.js';

export interface RoamingOptions {
  readonly token: string;
  /** Path of the endpoint, without `/mcp`. */
  readonly path?: string;
  readonly revision?: string;
  readonly capabilities?: JsonObject;
}

/** Whom a message is sent to. */
export interface Addressee {
  /** `http://127.0.0.1:port` */
  readonly url: string;
}

/** One answer, read to its end. */
export interface ReadAnswer {
  readonly status: number;
  /** Everything that came, in order. */
  readonly messages: readonly JsonObject[];
}

const DEFAULTS = { path: '/servers/ref', revision: '2025-11-25', capabilities: {} };

/** A client with a session of streamable HTTP that says with each message which worker it goes to, as a load balancer would. */
export class RoamingClient {
  private constructor(
    readonly session: string,
    private readonly options: Required<RoamingOptions>,
  ) {}

  /** Opens a session; the worker that is asked owns it. Throws what came instead of one. */
  static async initialize(worker: Addressee, options: RoamingOptions): Promise<RoamingClient> {
    const whole = { ...DEFAULTS, ...options };
    const { revision, capabilities } = whole;
    const params = { protocolVersion: revision, capabilities, clientInfo: { name: 'roaming', version: '1.0.0' } };
    const stranger = new RoamingClient('', whole);
    const answer = await stranger.post(worker, { jsonrpc: '2.0', id: 'handshake', method: 'initialize', params });
    const text = await answer.text();
    const session = answer.headers.get('mcp-session-id');
    if (session === null) throw new Error(`No session was opened: ${answer.status} ${text}`);
    return new RoamingClient(session, whole);
  }

  post(worker: Addressee, body: JsonValue, signal?: AbortSignal): Promise<Response> {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    return this.send(worker, { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) });
  }

  /** Begins a call of a tool, marked for the counting server by its id, with progress asked for. */
  call(worker: Addressee, id: string, tool: string, args: JsonObject = {}, signal?: AbortSignal): Promise<Response> {
    return this.post(worker, callOf(id, tool, args), signal);
  }

  /**
   * Begins a call that says something before its answer. A call that was not executed is sent again, as its error advises:
   * the owner may accept too late on a slow machine. Throws anything else that came instead.
   */
  async begin(
    worker: Addressee,
    id: string,
    tool: string,
    args: JsonObject = {},
    signal?: AbortSignal,
  ): Promise<EventReader> {
    for (;;) {
      const answer = await this.call(worker, id, tool, args, signal);
      if (answer.headers.get('content-type')?.startsWith('text/event-stream') === true) return new EventReader(answer);
      const text = await answer.text();
      if (!isNotExecuted(text)) throw new Error(`The call was answered at once: ${answer.status} ${text}`);
    }
  }

  /** A call, and everything that came of it. */
  async ask(worker: Addressee, id: string, tool = 'echo', args: JsonObject = { text: id }): Promise<ReadAnswer> {
    return read(await this.call(worker, id, tool, args));
  }

  /** Any other request, and everything that came of it. */
  async request(worker: Addressee, method: string, params: JsonObject = {}): Promise<ReadAnswer> {
    return read(await this.post(worker, { jsonrpc: '2.0', id: method, method, params }));
  }

  async notify(worker: Addressee, method: string, params: JsonObject = {}): Promise<ReadAnswer> {
    return read(await this.post(worker, { jsonrpc: '2.0', method, params }));
  }

  /** GET: the standing stream, or the rest of one. */
  stream(worker: Addressee, lastEventId?: string): Promise<Response> {
    const resumed = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return this.send(worker, { method: 'GET', headers: { accept: 'text/event-stream', ...resumed } });
  }

  end(worker: Addressee): Promise<Response> {
    return this.send(worker, { method: 'DELETE' });
  }

  private send({ url }: Addressee, init: RequestInit): Promise<Response> {
    const { token, path, revision } = this.options;
    const own = this.session && { 'mcp-session-id': this.session, 'mcp-protocol-version': revision };
    const headers = { authorization: `Bearer ${token}`, ...own, ...(init.headers as Record<string, string>) };
    return fetch(`${url}${path}/mcp`, { ...init, headers });
  }
}

/** The answer says that the call did not run, and that it may be sent again. */
function isNotExecuted(text: string): boolean {
  const { error } = JSON.parse(text) as { error?: { data?: { outcome?: string; retriable?: boolean } } };
  return error?.data?.outcome === 'not_executed' && error.data.retriable === true;
}

/** The message that calls a tool; the counting server knows it by its id, and so does its progress. */
export function callOf(id: string, name: string, args: JsonObject = {}): JsonObject {
  const params = { name, arguments: { ...args, call: id }, _meta: { progressToken: `of ${id}` } };
  return { jsonrpc: '2.0', id, method: 'tools/call', params };
}

/** Reads an answer to its end, whether it is an event stream, JSON or nothing. */
export async function read(response: Response): Promise<ReadAnswer> {
  const { status, headers } = response;
  if (headers.get('content-type')?.startsWith('text/event-stream') === true) {
    return { status, messages: await new EventReader(response).rest() };
  }
  const text = await response.text();
  return { status, messages: text === '' ? [] : [JSON.parse(text) as JsonObject | JsonObject[]].flat() };
}

/** The next message of a stream, and the id to come back with. Throws when the stream is over. */
export async function nextOf(stream: EventReader): Promise<StreamedEvent> {
  for (;;) {
    const event = await stream.next();
    if (!event) throw new Error('The stream is over.');
    if (event.data !== '') return { id: event.id, message: JSON.parse(event.data) as JsonObject };
  }
}
