import { Agent, type Dispatcher } from 'undici';
import type { JsonObject, RequestId } from '#lib/mcp-protocol';
import { isAnswer, messagesIn, type RawAnswer } from './raw-answer.js';

export interface RawClientOptions {
  /** Bearer token; absent for requests without authorization. */
  readonly token?: string;
  readonly timeoutMs?: number;
  readonly clientInfo?: JsonObject;
  readonly capabilities?: JsonObject;
}

/** Posts messages over its own connections and reads each complete response. */
export class HttpCaller {
  readonly agent: Agent;
  private readonly authorization: Readonly<Record<string, string>>;
  private readonly timeoutMs: number;

  constructor(options: RawClientOptions) {
    this.timeoutMs = options.timeoutMs ?? 60_000;
    this.agent = new Agent({ connections: 64, headersTimeout: this.timeoutMs, bodyTimeout: this.timeoutMs });
    this.authorization = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  }

  request(
    verb: Dispatcher.HttpMethod,
    url: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
    signal: AbortSignal = AbortSignal.timeout(this.timeoutMs),
  ): Promise<Dispatcher.ResponseData> {
    const { origin, pathname, search } = new URL(url);
    return this.agent.request({
      origin,
      path: pathname + search,
      method: verb,
      headers: { ...this.authorization, ...headers },
      body: body ?? null,
      signal,
    });
  }

  async post(url: string, headers: Readonly<Record<string, string>>, message: JsonObject): Promise<RawAnswer> {
    const response = await this.request(
      'POST',
      url,
      { 'content-type': 'application/json', ...headers },
      JSON.stringify(message),
    );
    const body = await response.body.text();
    const messages = messagesIn(response.headers['content-type'] as string | undefined, body);
    return {
      id: message['id'] as RequestId,
      status: response.statusCode,
      headers: response.headers,
      body,
      answers: messages.filter(isAnswer),
      others: messages.filter((each) => !isAnswer(each)),
    };
  }

  /** Destroys all open connections. */
  close(): Promise<void> {
    return this.agent.destroy();
  }
}

/** Alternates numbers and strings, because a peer has to return either kind unchanged. */
export class Ids {
  private last = 0;

  next(): RequestId {
    this.last += 1;
    return this.last % 2 === 0 ? this.last : `request ${this.last}`;
  }
}
