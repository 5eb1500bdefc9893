import type { JsonObject } from '#lib/mcp-protocol';
import { HttpCaller, Ids, type RawClientOptions } from './http-caller.js';
import type { RawAnswer } from './raw-answer.js';
import type { RawClient } from './raw-client.js';

/** Plain JSON-RPC: one POST, one JSON answer. */
export class RpcRawClient implements RawClient {
  readonly transport = 'rpc';
  readonly surplus: JsonObject[] = [];
  readonly http: HttpCaller;
  private readonly ids = new Ids();

  /** @param url the endpoint that requests are posted to */
  constructor(
    private readonly url: string,
    options: RawClientOptions = {},
  ) {
    this.http = new HttpCaller(options);
  }

  connect(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async request(method: string, params: JsonObject = {}): Promise<RawAnswer> {
    const message = { jsonrpc: '2.0', id: this.ids.next(), method, params };
    const answer = await this.http.post(this.url, {}, message);
    this.surplus.push(...answer.answers.slice(1));
    return answer;
  }

  close(): Promise<void> {
    return this.http.close();
  }
}
