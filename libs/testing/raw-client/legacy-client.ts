import type { JsonObject } from '#lib/mcp-protocol';
import { HttpCaller, Ids, type RawClientOptions } from './http-caller.js';
import type { RawAnswer } from './raw-answer.js';
import type { RawClient } from './raw-client.js';

export interface LegacyClientOptions extends RawClientOptions {
  readonly revision?: string;
}

const ACCEPT = { accept: 'application/json, text/event-stream' };

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

  /** Headers that belong to the session, for requests made by hand. */
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

  async request(method: string, params: JsonObject = {}): Promise<RawAnswer> {
    const answer = await this.http.post(this.url, this.headers, {
      jsonrpc: '2.0',
      id: this.ids.next(),
      method,
      params,
    });
    this.surplus.push(...answer.answers.slice(1));
    return answer;
  }

  notify(method: string, params: JsonObject = {}): Promise<RawAnswer> {
    return this.http.post(this.url, this.headers, { jsonrpc: '2.0', method, params });
  }

  async close(): Promise<void> {
    if (this.session['mcp-session-id'] !== undefined) {
      const response = await this.http.request('DELETE', this.url, this.session).catch(() => undefined);
      await response?.body.dump();
    }
    await this.http.close();
  }
}
