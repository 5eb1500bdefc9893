import {
  isJsonObject,
  META,
  metaOf,
  toFaultOutcome,
  toMessageOutcome,
  type JsonObject,
  type JsonValue,
  type McpNotification,
  type Outcome,
  type TransportFault,
} from '#lib/mcp-protocol';
import type { MessagePipe, PipeReceiver } from '../../channels/message-pipe.js';
import {
  DELIVERED,
  type ChangeFilter,
  type ConnectionEvents,
  type UpstreamSubscription,
  type ServerProfile,
  type UpstreamConnection,
  type UpstreamReply,
  type UpstreamRequest,
} from '../../upstream-connection.js';
import { isOwn } from '../../gateway-identity.js';
import { connectionClosed, toOutcomeError, tooManyCalls, withServer } from '../../upstream.errors.js';
import { readServerMessage } from '../messages.js';
import { PipeFlowControl } from '../pipe-flow-control.js';
import type { CallContext } from '../in-flight-call.js';
import { CancelledCalls } from '../cancelled-calls.js';
import { checkInputRequests } from './input-request-check.js';
import { LISTEN_METHOD, ModernSubscription, type ListenReader, type OpenListenStream } from './modern-subscription.js';
import { ModernPipeCall, type ModernCallHost } from './modern-pipe-call.js';
import { toNotificationText } from './modern-notification.js';
import { modernText, gatewayRequest } from './modern-text.js';

/** A connection to a modern server in a child process. All messages share one pipe and are correlated by ids. */
export class ModernPipeConnection implements UpstreamConnection, PipeReceiver, ModernCallHost {
  private readonly calls = new Map<number, ModernPipeCall>();
  private readonly readers = new Map<number, ListenReader>();
  private readonly subscriptions = new Set<ModernSubscription>();
  private readonly cancelledCalls: CancelledCalls;
  private readonly flow: PipeFlowControl;
  private closedBecause: string | undefined;

  constructor(
    private readonly pipe: MessagePipe,
    readonly profile: ServerProfile,
    private readonly context: CallContext,
    private readonly events: ConnectionEvents,
  ) {
    this.cancelledCalls = new CancelledCalls(context);
    this.flow = new PipeFlowControl(pipe, context.clock);
    pipe.attach(this);
  }

  get closed(): boolean {
    return this.closedBecause !== undefined;
  }

  request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    const { server } = this.context;
    if (this.closedBecause !== undefined) return Promise.resolve(connectionClosed(server, this.closedBecause));
    if (signal.aborted) return Promise.resolve(toFaultOutcome('refused', 'cancelled before it was sent'));
    if (this.pipe.full) return Promise.resolve(tooManyCalls(server));
    const call = new ModernPipeCall(this.pipe.nextId(), request, reply, signal, this.context, this);
    const { outcome } = call;
    call.flow = this.flow;
    this.calls.set(call.id, call);
    const text = modernText(call.id, request, this.profile.revision);
    call.transport = this.pipe.send(text, call.id, (refusal) => call.settle(refusal));
    return outcome;
  }

  async notify(notification: McpNotification): Promise<Outcome> {
    if (this.closedBecause !== undefined) return connectionClosed(this.context.server, this.closedBecause);
    const text = toNotificationText(notification, this.profile.revision);
    return text === undefined ? DELIVERED : withServer(await this.pipe.sendOneWay(text), this.context);
  }

  subscribe(filter: ChangeFilter, onChange: (notification: McpNotification) => void): Promise<UpstreamSubscription> {
    const { server } = this.context;
    if (this.closedBecause !== undefined)
      return Promise.reject(toOutcomeError(connectionClosed(server, this.closedBecause)));
    const open: OpenListenStream = (params, reader) => this.openListenStream(params, reader);
    const remove = (ended: ModernSubscription): void => void this.subscriptions.delete(ended);
    const subscription = new ModernSubscription(open, filter, onChange, this.context, remove);
    this.subscriptions.add(subscription);
    return subscription.begin();
  }

  async close(): Promise<void> {
    this.end('it was closed', 'lost');
    await this.pipe.close();
  }

  ended(call: ModernPipeCall): void {
    this.calls.delete(call.id);
  }

  cancelled(call: ModernPipeCall, reason: string): void {
    const { asker, logLevel } = call.request;
    // A request without a log level causes no log messages (server/utilities/logging, Log Level).
    if (!isOwn(call.request)) this.cancelledCalls.add(call.id, asker, logLevel === undefined);
    this.cancel(call.id, reason);
  }

  pipeEnded(fault: TransportFault, reason: string): void {
    if (!this.end(reason, fault)) return;
    void this.pipe.close();
    this.events.closed(reason);
  }

  message(value: JsonValue): void {
    if (isJsonObject(value) && value['method'] === undefined) return this.answer(value);
    const reading = readServerMessage(value);
    // A modern server must not send requests (basic/transports/stdio). The request names no call that could be failed
    // for it.
    if (reading.kind === 'notification') this.notification(reading.message.method, reading.message.params ?? {});
  }

  private cancel(requestId: number, reason: string): void {
    const params = { requestId, reason };
    void this.pipe.sendOneWay(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params }));
  }

  private answer(value: JsonObject): void {
    const id = value['id'];
    if (typeof id !== 'number') return;
    const call = this.calls.get(id);
    if (call !== undefined) return call.settleInOrder(checkInputRequests(toMessageOutcome(value, id), call));
    this.cancelledCalls.answered(id);
    const reader = this.readers.get(id);
    this.readers.delete(id);
    reader?.ended(toMessageOutcome(value, id));
  }

  private notification(method: string, params: JsonObject): void {
    const subscription = metaOf(params)[META.subscriptionId];
    if (typeof subscription === 'number') return this.readers.get(subscription)?.notification({ method, params });
    if (method === 'notifications/cancelled') return this.subscriptionEnded(params['requestId']);
    const call = method === 'notifications/progress' ? this.callOf(params['progressToken']) : this.onlyCall();
    if (method === 'notifications/progress') void call?.deliverProgress({ method, params });
    else if (call === undefined) this.events.notify({ method, params });
    else if (method !== 'notifications/message' || call.request.logLevel !== undefined) {
      void call.deliver({ method, params });
    }
  }

  private subscriptionEnded(id: JsonValue | undefined): void {
    if (typeof id !== 'number') return;
    const reader = this.readers.get(id);
    this.readers.delete(id);
    reader?.ended(undefined);
  }

  private callOf(token: JsonValue | undefined): ModernPipeCall | undefined {
    return typeof token === 'number' ? this.calls.get(token) : undefined;
  }

  /** Log messages name no request. With a single call on which the server can work, the call is unambiguous. */
  private onlyCall(): ModernPipeCall | undefined {
    let call: ModernPipeCall | undefined;
    for (const other of this.calls.values()) {
      if (isOwn(other.request)) continue;
      if (call !== undefined) return undefined;
      call = other;
    }
    if (call === undefined) return undefined;
    return this.cancelledCalls.mayBelongToOthers(call.request.asker) ? undefined : call;
  }

  private openListenStream(params: JsonObject, reader: ListenReader): { close(): void } {
    const id = this.pipe.nextId();
    this.readers.set(id, reader);
    const text = modernText(id, gatewayRequest(LISTEN_METHOD, params), this.profile.revision);
    const carriage = this.pipe.send(text, id, (outcome) => reader.ended(outcome));
    return {
      close: () => {
        if (!this.readers.delete(id)) return;
        if (carriage.sent && !this.closed) this.cancel(id, 'the subscription was closed');
      },
    };
  }

  private end(reason: string, fault: TransportFault): boolean {
    if (this.closedBecause !== undefined) return false;
    // Subscriptions are cancelled at the server while the pipe is still open.
    for (const subscription of this.subscriptions) subscription.close();
    this.closedBecause = reason;
    this.flow.close();
    for (const call of this.calls.values()) {
      const wasSent = call.transport?.sent === true;
      call.settle(wasSent ? toFaultOutcome(fault, reason) : connectionClosed(this.context.server, reason));
    }
    return true;
  }
}
