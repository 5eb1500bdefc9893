import { Agent, type Dispatcher } from 'undici';
import { ModernRawClient } from '#lib/testing/raw-client';
import type { JsonObject } from '#lib/mcp-protocol';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

/** What one client of the crowd listens to, and where. */
export interface ListenOrder {
  /** The MCP endpoint. */
  readonly url: string;
  readonly token: string;
  readonly notifications: JsonObject;
}

/** One client that listens: all that it knows is how often it was told of what. */
export class CrowdMember {
  /** What the gateway said that it honours. */
  honoured: JsonObject | undefined;
  private readonly counts = new Map<string, number>();

  heard(method: string): number {
    return this.counts.get(method) ?? 0;
  }

  take(message: JsonObject): void {
    const method = message['method'] as string;
    if (method === ACKNOWLEDGED) this.honoured = (message['params'] as JsonObject)['notifications'] as JsonObject;
    else this.counts.set(method, this.heard(method) + 1);
  }
}

/** Many modern clients that listen, each over a connection of its own; cheap enough for a thousand of them. */
export class ListeningCrowd {
  readonly members: CrowdMember[] = [];
  private readonly agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });
  private readonly waiting = new Set<() => void>();
  private failure: Error | undefined;

  /** Has one more client listen. It is there once `until` its acknowledgement. */
  join({ url, token, notifications }: ListenOrder): void {
    const member = new CrowdMember();
    this.members.push(member);
    const { headers, message } = new ModernRawClient(url).compose('subscriptions/listen', { notifications });
    const { origin, pathname } = new URL(url);
    const reading = { ...headers, authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    this.agent.dispatch(
      { origin, path: pathname, method: 'POST', headers: reading, body: JSON.stringify(message) },
      new EventTaker(
        (event) => {
          member.take(event);
          for (const look of this.waiting) look();
        },
        (reason) => {
          this.failure = new Error(`A client listens no longer: ${reason}`);
          for (const look of this.waiting) look();
        },
      ),
    );
  }

  /** Resolves once the condition holds for each of them; rejects when one of them was refused or lost its stream. */
  async until(condition: (member: CrowdMember) => boolean): Promise<void> {
    const missing = new Set(this.members);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (this.failure) return reject(this.failure);
      for (const member of missing) {
        if (!condition(member)) return;
        missing.delete(member);
      }
      resolve();
    };
    this.waiting.add(look);
    look();
    await promise.finally(() => this.waiting.delete(look));
  }

  /** All of them leave. */
  leave(): Promise<void> {
    return this.agent.destroy();
  }
}

/** Takes the messages of one event stream. */
class EventTaker implements Dispatcher.DispatchHandler {
  private text = '';

  constructor(
    private readonly take: (message: JsonObject) => void,
    private readonly onOver: (reason: string) => void,
  ) {}

  onRequestStart(): void {}

  onResponseStart(): void {}

  onResponseData(_controller: unknown, chunk: Buffer): void {
    const events = (this.text + chunk.toString()).split('\n\n');
    this.text = events.pop() ?? '';
    for (const event of events) if (event.startsWith('data: ')) this.take(JSON.parse(event.slice(6)) as JsonObject);
  }

  onResponseEnd(): void {
    this.onOver(this.text === '' ? 'the stream is over' : this.text);
  }

  onResponseError(_controller: unknown, fault: Error): void {
    this.onOver(fault.message);
  }
}
