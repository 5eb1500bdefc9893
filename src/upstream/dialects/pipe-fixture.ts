import { result, toFaultOutcome, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { MessagePipe, type CallTransport } from '../channels/message-pipe.js';

/** A pipe whose server side is the test. */
export class ScriptedPipe extends MessagePipe {
  readonly full = false;
  /** The messages that the server received, in order. */
  readonly sentMessages: JsonObject[] = [];
  /** When false, messages that expect no answer cannot be delivered. */
  acceptsOneWay = true;

  override send(text: string, _id: number, _refused: (outcome: Outcome) => void): CallTransport {
    this.record(text);
    return { sent: true, release: () => undefined, abort: () => undefined };
  }

  override async sendOneWay(text: string): Promise<Outcome> {
    if (!this.acceptsOneWay) return toFaultOutcome('refused', 'the process ended');
    this.record(text);
    return result({});
  }

  override pause(): void {}

  override resume(): void {}

  override async close(): Promise<void> {
    this.endSilently();
  }

  /** Delivers a message of the server. */
  emit(message: JsonObject): void {
    this.received({ jsonrpc: '2.0', ...message });
  }

  /** The channel ends by itself. */
  endWith(reason: string): void {
    this.ended('lost', reason);
  }

  /** Ids of the requests of a method, in the order in which they came. */
  idsOf(method: string): number[] {
    return this.sentMessages.filter((message) => message['method'] === method).map(({ id }) => Number(id));
  }

  /** Returns the answer to a question of the server. */
  findAnswer(id: string): JsonObject | undefined {
    return this.sentMessages.find((message) => message['id'] === id && message['method'] === undefined);
  }

  private record(text: string): void {
    this.sentMessages.push(JSON.parse(text) as JsonObject);
  }
}

/** Runs all pending microtasks. */
export async function flushMicrotasks(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
