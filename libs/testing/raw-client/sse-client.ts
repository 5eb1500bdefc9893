import type { JsonObject, RequestId } from '#lib/mcp-protocol';
import { HttpCaller, Ids, type RawClientOptions } from './http-caller.js';
import { eventData, isAnswer, type RawAnswer } from './raw-answer.js';
import type { RawClient } from './raw-client.js';

interface Waiting {
  readonly resolve: (answer: JsonObject) => void;
  readonly reject: (cause: Error) => void;
}

/** HTTP+SSE: messages are posted, answers are received on one stream. */
export class SseRawClient implements RawClient {
  readonly transport = 'sse';
  readonly surplus: JsonObject[] = [];
  readonly http: HttpCaller;
  /** Notifications and questions, in order of arrival. */
  readonly others: JsonObject[] = [];
  private readonly ids = new Ids();
  private readonly waiting = new Map<RequestId, Waiting>();
  private readonly stop = new AbortController();
  private readonly timeoutMs: number;
  private postUrl = '';

  /** @param url the endpoint of the stream */
  constructor(
    private readonly url: string,
    private readonly options: RawClientOptions = {},
  ) {
    this.timeoutMs = options.timeoutMs ?? 60_000;
    this.http = new HttpCaller(options);
  }

  async connect(): Promise<RawAnswer> {
    const refused = await this.open();
    if (refused !== undefined) return refused;
    const answer = await this.request('initialize', {
      protocolVersion: '2024-11-05',
      capabilities: this.options.capabilities ?? {},
      clientInfo: this.options.clientInfo ?? { name: 'raw', version: '1.0.0' },
    });
    await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }

  /** The URL for messages from the endpoint event. */
  get messagesUrl(): string {
    return this.postUrl;
  }

  /** Opens the stream and waits for the endpoint event. Returns the response when the server rejects the stream. */
  async open(): Promise<RawAnswer | undefined> {
    const accept = { accept: 'text/event-stream' };
    const { statusCode, headers, body } = await this.http.request('GET', this.url, accept, undefined, this.stop.signal);
    if (statusCode !== 200) {
      return { id: '', status: statusCode, headers, body: await body.text(), answers: [], others: [] };
    }
    await new Promise<void>((resolve, reject) => {
      this.read(body, resolve).then(
        () => this.fail(new Error('The stream has ended.'), reject),
        (cause: Error) => this.fail(cause, reject),
      );
    });
    return undefined;
  }

  async request(method: string, params: JsonObject = {}): Promise<RawAnswer> {
    const id = this.ids.next();
    const answered = new Promise<JsonObject>((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    const timer = setTimeout(() => this.waiting.get(id)?.reject(new Error(`No answer to ${method}`)), this.timeoutMs);
    answered.catch(() => undefined);
    try {
      const posted = await this.post({ jsonrpc: '2.0', id, method, params });
      if (posted.answers.length > 0 || posted.status >= 300) return posted;
      return { ...posted, answers: [await answered] };
    } finally {
      clearTimeout(timer);
      this.waiting.delete(id);
    }
  }

  post(message: JsonObject): Promise<RawAnswer> {
    return this.http.post(this.postUrl, {}, message);
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.http.close();
  }

  private async read(body: AsyncIterable<Buffer>, ready: () => void): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of body) {
      const text = rest + decoder.decode(chunk, { stream: true });
      const end = text.lastIndexOf('\n\n');
      rest = end < 0 ? text : text.slice(end + 2);
      if (end >= 0) this.parse(text.slice(0, end + 2), ready);
    }
  }

  private parse(text: string, ready: () => void): void {
    for (const { type, data } of eventData(text)) {
      if (type === 'endpoint') {
        this.postUrl = new URL(data, this.url).href;
        ready();
      } else this.deliver(JSON.parse(data) as JsonObject);
    }
  }

  private deliver(message: JsonObject): void {
    if (!isAnswer(message)) return void this.others.push(message);
    const waiting = this.waiting.get(message['id'] as RequestId);
    if (waiting === undefined) return void this.surplus.push(message);
    this.waiting.delete(message['id'] as RequestId);
    waiting.resolve(message);
  }

  private fail(cause: Error, reject: (cause: Error) => void): void {
    reject(cause);
    for (const { reject: give } of this.waiting.values()) give(cause);
  }
}
