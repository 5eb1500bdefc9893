import type { JsonObject } from '#lib/mcp-protocol';
import { setTimeout as wait } from 'node:timers/promises';
import { HttpCaller, Ids, type RawClientOptions } from './http-caller.js';
import { isAnswer, messagesIn, type RawAnswer } from './raw-answer.js';
import type { RawClient } from './raw-client.js';

export interface LegacyClientOptions extends RawClientOptions {
  readonly revision?: string;
}

const ACCEPT = { accept: 'application/json, text/event-stream' };

const DEFAULT_RETRY_MS = 1_000;
const DEFAULT_TIMEOUT_MS = 60_000;

/** Where and after which delay an event stream can be resumed. */
interface Cursor {
  readonly lastEventId?: string;
  readonly retryMs?: number;
}

function cursorAfter(body: string, before: Cursor): Cursor {
  const lastEventId = [...body.matchAll(/^id: ?(.+)$/gm)].at(-1)?.[1] ?? before.lastEventId;
  const retry = [...body.matchAll(/^retry: ?(\d+)$/gm)].at(-1)?.[1];
  const retryMs = retry === undefined ? before.retryMs : Number(retry);
  return { ...(lastEventId !== undefined && { lastEventId }), ...(retryMs !== undefined && { retryMs }) };
}

/** Streamable HTTP with a session. */
export class LegacyRawClient implements RawClient {
  readonly transport = 'legacy';
  readonly surplus: JsonObject[] = [];
  readonly http: HttpCaller;
  private readonly ids = new Ids();
  private readonly revision: string;
  private session: Readonly<Record<string, string>> = {};

  /** @param url the MCP endpoint */
  constructor(
    private readonly url: string,
    private readonly options: LegacyClientOptions = {},
  ) {
    this.http = new HttpCaller(options);
    this.revision = options.revision ?? '2025-11-25';
  }

  /** Headers of the session, for requests that a test sends itself. */
  get headers(): Readonly<Record<string, string>> {
    return { ...ACCEPT, ...this.session };
  }

  async connect(): Promise<RawAnswer> {
    const answer = await this.request('initialize', {
      protocolVersion: this.revision,
      capabilities: this.options.capabilities ?? {},
      clientInfo: this.options.clientInfo ?? { name: 'raw', version: '1.0.0' },
    });
    const sessionId = answer.headers['mcp-session-id'];
    if (typeof sessionId !== 'string') return answer;
    this.session = { 'mcp-session-id': sessionId, 'mcp-protocol-version': this.revision };
    await this.notify('notifications/initialized');
    return answer;
  }

  /** Resumes with GET a stream that was closed after an event with an id and before its answer. */
  async request(method: string, params: JsonObject = {}): Promise<RawAnswer> {
    const message = { jsonrpc: '2.0', id: this.ids.next(), method, params };
    const answer = await this.resumed(await this.http.post(this.url, this.headers, message), performance.now());
    this.surplus.push(...answer.answers.slice(1));
    return answer;
  }

  notify(method: string, params: JsonObject = {}): Promise<RawAnswer> {
    return this.http.post(this.url, this.headers, { jsonrpc: '2.0', method, params });
  }

  private async resumed(answer: RawAnswer, startedAt: number, cursor: Cursor = {}): Promise<RawAnswer> {
    const { lastEventId, retryMs = DEFAULT_RETRY_MS } = cursorAfter(answer.body, cursor);
    const isLate = performance.now() - startedAt > (this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    if (answer.answers.length > 0 || lastEventId === undefined || isLate) return answer;
    await wait(retryMs);
    const headers = { ...this.headers, accept: 'text/event-stream', 'last-event-id': lastEventId };
    const response = await this.http.request('GET', this.url, headers);
    const body = await response.body.text();
    if (response.statusCode !== 200) return answer;
    const messages = messagesIn('text/event-stream', body);
    const answers = messages.filter(isAnswer);
    const others = [...answer.others, ...messages.filter((each) => !isAnswer(each))];
    return this.resumed({ ...answer, body, answers, others }, startedAt, { lastEventId, retryMs });
  }

  async close(): Promise<void> {
    if (this.session['mcp-session-id'] !== undefined) {
      const response = await this.http.request('DELETE', this.url, this.session).catch(() => undefined);
      await response?.body.dump();
    }
    await this.http.close();
  }
}
