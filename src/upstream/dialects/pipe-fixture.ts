import type { JsonObject, Outcome } from '#lib/mcp-protocol';
import { MessagePipe, type Carriage } from '../channels/message-pipe.js';

/** A pipe whose server side is the test. */
export class ScriptedPipe extends MessagePipe {
  readonly full = false;
  /** The messages that the server received, in order. */
  readonly got: JsonObject[] = [];
  /** When false, messages that expect no answer cannot be delivered. */
  takes = true;

  override send(text: string, _id: number, _refused: (outcome: Outcome) => void): Carriage {
    this.take(text);
    return { sent: true, release: () => undefined, drop: () => undefined };
  }

  override async say(text: string): Promise<boolean> {
    if (this.takes) this.take(text);
    return this.takes;
  }

  override pause(): void {}

  override resume(): void {}

  override async close(): Promise<void> {
    this.endedQuietly();
  }

  /** Delivers a message of the server. */
  says(message: JsonObject): void {
    this.received({ jsonrpc: '2.0', ...message });
  }

  /** Ids of the requests of a method, in the order in which they came. */
  idsOf(method: string): number[] {
    return this.got.filter((message) => message['method'] === method).map(({ id }) => Number(id));
  }

  /** Returns the answer to a question of the server. */
  answerTo(id: string): JsonObject | undefined {
    return this.got.find((message) => message['id'] === id && message['method'] === undefined);
  }

  private take(text: string): void {
    this.got.push(JSON.parse(text) as JsonObject);
  }
}

/** Runs all pending microtasks. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
