import { Agent, type Dispatcher } from 'undici';
import { ModernRawClient } from '#lib/testing/raw-client';
import type { JsonObject } from '#lib/mcp-protocol';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

/** Endpoint, token and notifications of one subscriber. */
export interface SubscribeOptions {
  /** The MCP endpoint. */
  readonly url: string;
  readonly token: string;
  readonly notifications: JsonObject;
}

/** One subscriber. It counts the received notifications by method. */
export class Subscriber {
  /** The notifications that the gateway acknowledged. */
  honoured: JsonObject | undefined;
  private readonly counts = new Map<string, number>();

  received(method: string): number {
    return this.counts.get(method) ?? 0;
  }

  accept(message: JsonObject): void {
    const method = message['method'] as string;
    if (method === ACKNOWLEDGED) this.honoured = (message['params'] as JsonObject)['notifications'] as JsonObject;
    else this.counts.set(method, this.received(method) + 1);
  }
}

/** Many modern subscribers, each with its own connection. Cheap enough for a thousand of them. */
export class SubscriberGroup {
  readonly subscribers: Subscriber[] = [];
  private readonly agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });
  private readonly waiting = new Set<() => void>();
  private failure: Error | undefined;

  /** Adds a subscriber. Wait for its acknowledgement with `until`. */
  add({ url, token, notifications }: SubscribeOptions): void {
    const subscriber = new Subscriber();
    this.subscribers.push(subscriber);
    const { headers, message } = new ModernRawClient(url).compose('subscriptions/listen', { notifications });
    const { origin, pathname } = new URL(url);
    const reading = { ...headers, authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    this.agent.dispatch(
      { origin, path: pathname, method: 'POST', headers: reading, body: JSON.stringify(message) },
      new EventStreamReader(
        (event) => {
          subscriber.accept(event);
          for (const check of this.waiting) check();
        },
        (reason) => {
          this.failure = new Error(`A subscriber has lost its stream: ${reason}`);
          for (const check of this.waiting) check();
        },
      ),
    );
  }

  /** Resolves once the condition holds for all subscribers. Rejects when one was rejected or lost its stream. */
  async until(condition: (subscriber: Subscriber) => boolean): Promise<void> {
    const missing = new Set(this.subscribers);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => {
      if (this.failure) return reject(this.failure);
      for (const subscriber of missing) {
        if (!condition(subscriber)) return;
        missing.delete(subscriber);
      }
      resolve();
    };
    this.waiting.add(check);
    check();
    await promise.finally(() => this.waiting.delete(check));
  }

  /** Closes all connections. */
  close(): Promise<void> {
    return this.agent.destroy();
  }
}

/** Parses the messages of one event stream. */
class EventStreamReader implements Dispatcher.DispatchHandler {
  private text = '';

  constructor(
    private readonly onMessage: (message: JsonObject) => void,
    private readonly onEnd: (reason: string) => void,
  ) {}

  onRequestStart(): void {}

  onResponseStart(): void {}

  onResponseData(_controller: unknown, chunk: Buffer): void {
    const events = (this.text + chunk.toString()).split('\n\n');
    this.text = events.pop() ?? '';
    for (const event of events)
      if (event.startsWith('data: ')) this.onMessage(JSON.parse(event.slice(6)) as JsonObject);
  }

  onResponseEnd(): void {
    this.onEnd(this.text === '' ? 'the stream is over' : this.text);
  }

  onResponseError(_controller: unknown, fault: Error): void {
    this.onEnd(fault.message);
  }
}
