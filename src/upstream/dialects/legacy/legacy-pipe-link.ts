import {
  allowsBatches,
  isJsonObject,
  toMessageOutcome,
  readBatch,
  type JsonValue,
  type Outcome,
  type TransportFault,
} from '#lib/mcp-protocol';
import type { MessagePipe, PipeReceiver } from '../../channels/message-pipe.js';
import { readServerMessage } from '../messages.js';
import { PipeFlowControl } from '../pipe-flow-control.js';
import { traceHeaderOf } from '../trace-header.js';
import type { LegacyCall } from './legacy-call.js';
import type { LegacyLink, LinkHost } from './legacy-link.js';

/** A link over one pipe for all messages: a child process, or HTTP+SSE. */
export class LegacyPipeLink implements LegacyLink, PipeReceiver {
  readonly serverStreamUnsupported = false;
  readonly sharesOneStream = true;
  readonly isSessionless = false;
  private readonly flow: PipeFlowControl;

  constructor(
    private readonly pipe: MessagePipe,
    private readonly host: LinkHost,
  ) {
    this.flow = new PipeFlowControl(pipe, host.clock);
    // The connection's constructor must finish before the first message arrives.
    queueMicrotask(() => pipe.attach(this));
  }

  get full(): boolean {
    return this.pipe.full;
  }

  send(call: LegacyCall, text: string): void {
    call.flow = this.flow;
    call.transport = this.pipe.send(text, call.id, (outcome) => call.settle(outcome), traceHeaderOf(call.request));
  }

  sendOneWay(text: string): Promise<Outcome> {
    return this.pipe.sendOneWay(text);
  }

  async openServerStream(): Promise<void> {}

  async close(): Promise<void> {
    this.flow.close();
    await this.pipe.close();
  }

  message(value: JsonValue): void {
    const members = allowsBatches(this.host.revision) ? readBatch(value) : undefined;
    if (members === undefined) this.dispatch(value);
    else for (const member of members) this.dispatch(member);
  }

  pipeEnded(fault: TransportFault, reason: string): void {
    this.host.lost(reason, fault);
  }

  private dispatch(value: JsonValue): void {
    const { inbox } = this.host;
    // A message with the id of a call belongs to that call, even when it is malformed.
    const call = isJsonObject(value) && value['method'] === undefined ? inbox.find(value['id']) : undefined;
    if (call !== undefined) return call.settleInOrder(toMessageOutcome(value, call.id));
    if (isJsonObject(value) && value['method'] === undefined) return this.host.lateAnswer(value['id']);
    const reading = readServerMessage(value);
    if (reading.kind === 'request') inbox.request(reading.message);
    else if (reading.kind === 'notification') void inbox.notification(reading.message);
  }
}
