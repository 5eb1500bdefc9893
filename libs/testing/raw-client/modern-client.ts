import type { JsonObject } from '#lib/mcp-protocol';
import { HttpCaller, Ids, type RawClientOptions } from './http-caller.js';
import type { RawAnswer } from './raw-answer.js';
import type { RawClient } from './raw-client.js';

const REVISION = '2026-07-28';
const KEY = 'io.modelcontextprotocol/';

/**
 * Plain text where a header can carry it, otherwise the sentinel form (specification 2026: transports, Value Encoding).
 */
const headerValue = (text: string): string =>
  /^[!-~]([ -~]*[!-~])?$/.test(text) && !text.startsWith('=?base64?')
    ? text
    : `=?base64?${Buffer.from(text).toString('base64')}?=`;

/** Streamable HTTP without a session. */
export class ModernRawClient implements RawClient {
  readonly transport = 'modern';
  readonly surplus: JsonObject[] = [];
  readonly http: HttpCaller;
  private readonly ids = new Ids();

  /** @param url the MCP endpoint */
  constructor(
    private readonly url: string,
    private readonly options: RawClientOptions = {},
  ) {
    this.http = new HttpCaller(options);
  }

  connect(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /** Builds the request that this client would send, for tests that alter a part of it. */
  compose(method: string, params: JsonObject = {}): { headers: Record<string, string>; message: JsonObject } {
    const name = params['name'] ?? params['uri'];
    const meta = {
      [`${KEY}protocolVersion`]: REVISION,
      [`${KEY}clientInfo`]: this.options.clientInfo ?? { name: 'raw', version: '1.0.0' },
      [`${KEY}clientCapabilities`]: this.options.capabilities ?? {},
      ...(params['_meta'] as JsonObject | undefined),
    };
    const headers = {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': REVISION,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': headerValue(name) } : {}),
    };
    return { headers, message: { jsonrpc: '2.0', id: this.ids.next(), method, params: { ...params, _meta: meta } } };
  }

  async request(method: string, params: JsonObject = {}): Promise<RawAnswer> {
    const { headers, message } = this.compose(method, params);
    const answer = await this.http.post(this.url, headers, message);
    this.surplus.push(...answer.answers.slice(1));
    return answer;
  }

  close(): Promise<void> {
    return this.http.close();
  }
}
