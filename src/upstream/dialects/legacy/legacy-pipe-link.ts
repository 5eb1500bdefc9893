import {
  allowsBatches,
  isJsonObject,
  outcomeOfMessage,
  readBatch,
  readMessage,
  type JsonValue,
  type TransportFault,
} from '#lib/mcp-protocol';
import type { MessagePipe, PipeReceiver } from '../../channels/message-pipe.js';
import { PipeFlow } from '../pipe-flow.js';
import type { LegacyCall } from './legacy-call.js';
import type { Delivery, LegacyLink, LinkHost } from './legacy-link.js';

/** A link over one pipe for all messages: a child process, or HTTP+SSE. */
export class LegacyPipeLink implements LegacyLink, PipeReceiver {
  readonly isDeaf = false;
  readonly sharesOneStream = true;
  private readonly flow: PipeFlow;

  constructor(
    private readonly pipe: MessagePipe,
    private readonly host: LinkHost,
  ) {
    this.flow = new PipeFlow(pipe);
    // The connection's constructor must finish before the first message arrives.
    queueMicrotask(() => pipe.attach(this));
  }

  get full(): boolean {
    return this.pipe.full;
  }

  carry(call: LegacyCall, text: string): void {
    call.flow = this.flow;
    call.carriage = this.pipe.send(text, call.id, (outcome) => call.settle(outcome));
  }

  async say(text: string): Promise<Delivery> {
    return (await this.pipe.say(text)) ? 'taken' : 'failed';
  }

  async openEars(): Promise<void> {}

  async close(): Promise<void> {
    this.flow.close();
    await this.pipe.close();
  }

  message(value: JsonValue): void {
    const members = allowsBatches(this.host.revision) ? readBatch(value) : undefined;
    if (members === undefined) this.take(value);
    else for (const member of members) this.take(member);
  }

  pipeEnded(fault: TransportFault, reason: string): void {
    this.host.lost(reason, fault);
  }

  private take(value: JsonValue): void {
    const { inbox } = this.host;
    // A message with the id of a call belongs to that call, even when it is malformed.
    const call = isJsonObject(value) && value['method'] === undefined ? inbox.find(value['id']) : undefined;
    if (call !== undefined) return call.conclude(outcomeOfMessage(value, call.id));
    if (isJsonObject(value) && value['method'] === undefined) return this.host.answeredLate(value['id']);
    const reading = readMessage(value);
    if (reading.kind === 'request') inbox.request(reading.message);
    else if (reading.kind === 'notification') void inbox.notification(reading.message);
  }
}
