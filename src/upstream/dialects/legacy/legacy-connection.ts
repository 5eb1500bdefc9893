import {
  encodeLegacyRequest,
  canAnswerQuestions,
  isLogLevel,
  toFaultOutcome,
  type Answer,
  type ClientProfile,
  type JsonObject,
  type JsonValue,
  type LogLevel,
  type McpNotification,
  type Outcome,
  type Question,
  type TransportFault,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { toMissedChanges } from '../../change-filter.js';
import { GATEWAY_IDENTITY, isOwn } from '../../gateway-identity.js';
import type {
  CallIdentity,
  ChangeFilter,
  ConnectionEvents,
  UpstreamSubscription,
  ServerProfile,
  UpstreamConnection,
  UpstreamReply,
  UpstreamRequest,
} from '../../upstream-connection.js';
import type { UpstreamSessionState } from '../../upstream-session-state.js';
import {
  BLOCKED_BY_QUESTION,
  connectionClosed,
  needsNewConnection,
  toOutcomeError,
  tooManyCalls,
  withServer,
} from '../../upstream.errors.js';
import type { CallContext } from '../in-flight-call.js';
import { CancelledCalls } from '../cancelled-calls.js';
import { canLeadToQuestions, LegacyCall, type LegacyCallHost } from './legacy-call.js';
import { LegacyInbox, type InboxHost } from './legacy-inbox.js';
import type { LegacyLink, LinkHost } from './legacy-link.js';
import { LegacySubscriptions } from './legacy-subscriptions.js';
import { SerialQueue } from './serial-queue.js';

/**
 * How long the next call waits for the server to confirm, by the answer to a ping, that it has read a cancellation, in
 * milliseconds. Until then the server may still send a question for the cancelled call.
 */
const CANCEL_BARRIER_TIMEOUT_MS = 1_000;

export interface LegacyConnectionParts {
  readonly profile: ServerProfile;
  readonly client: ClientProfile;
  readonly context: CallContext;
  readonly events: ConnectionEvents;
  readonly link: (host: LinkHost) => LegacyLink;
  /** Continues the request ids of the handshake. */
  readonly nextId: () => number;
  readonly suspectEra: () => void;
}

/** A connection with a legacy server: one session, or one process. */
export class LegacyConnection implements UpstreamConnection, LegacyCallHost, InboxHost, LinkHost {
  readonly profile: ServerProfile;
  readonly client: ClientProfile;
  readonly server: string;
  readonly revision: string;
  readonly inbox = new LegacyInbox(this);
  readonly cancelledCalls: CancelledCalls;
  readonly detachSession: (() => UpstreamSessionState | undefined) | undefined;
  private readonly context: CallContext;
  private readonly events: ConnectionEvents;
  private readonly link: LegacyLink;
  private subscriptions: LegacySubscriptions | undefined;
  private readonly canAnswerQuestions: boolean;
  private serialQueue: SerialQueue | undefined;
  private logLevel: LogLevel | undefined;
  private closedBecause: string | undefined;
  private closing: Promise<void> | undefined;
  private isDetached = false;
  private isAdopted = false;
  private readonly nextId: () => number;
  private readonly reportSuspectEra: () => void;

  constructor(parts: LegacyConnectionParts) {
    const { profile, client, context: surroundings, events } = parts;
    this.profile = profile;
    this.client = client;
    this.revision = profile.revision;
    this.server = surroundings.server;
    this.context = surroundings;
    this.events = events;
    this.nextId = parts.nextId;
    this.reportSuspectEra = parts.suspectEra;
    this.cancelledCalls = new CancelledCalls(surroundings);
    this.canAnswerQuestions = canAnswerQuestions(client.capabilities);
    this.link = parts.link(this);
    this.detachSession = this.link.detach && (() => this.detach());
    if (this.canAnswerQuestions && this.link.sharesOneStream) this.serialQueue = new SerialQueue();
  }

  get clock(): Clock {
    return this.context.clock;
  }

  get announcesOnCalls(): boolean {
    return this.link.isSessionless;
  }

  get passesUnknown(): boolean {
    return this.context.passesUnknown === true;
  }

  get closed(): boolean {
    return this.closedBecause !== undefined;
  }

  /** Completes the handshake, and opens the server stream if it was requested or the client can answer questions. */
  async completeHandshake(opensServerStream: boolean): Promise<void> {
    await this.sendNotification({ method: 'notifications/initialized', params: {} });
    if (this.canAnswerQuestions) await this.link.openServerStream();
    // Some servers answer only with the first event.
    else if (opensServerStream) void this.link.openServerStream();
  }

  /** Replaces `completeHandshake` for a session that another worker opened. Does not wait for the server stream. */
  resume(hadServerStream: boolean): void {
    this.isAdopted = true;
    if (this.canAnswerQuestions || hadServerStream) void this.link.openServerStream();
  }

  request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return Promise.resolve(toFaultOutcome('refused', 'cancelled before it was sent'));
    const { logLevel, method } = request;
    if (method === 'logging/setLevel') return this.forwardLogLevel(request, reply, signal);
    if (logLevel === undefined || logLevel === this.logLevel || this.profile.capabilities['logging'] === undefined) {
      return this.start(request, reply, signal);
    }
    return this.setLogLevel(logLevel).then(() => this.start(request, reply, signal));
  }

  async notify(notification: McpNotification): Promise<Outcome> {
    if (this.closedBecause !== undefined) return connectionClosed(this.server, this.closedBecause);
    const delivery = withServer(await this.sendNotification(notification), this.context);
    // A shared stream ends by itself, with the calls that wait for their answers on it.
    if (needsNewConnection(delivery) && !this.link.sharesOneStream) this.sessionEnded();
    return delivery;
  }

  async subscribe(
    filter: ChangeFilter,
    onChange: (notification: McpNotification) => void,
  ): Promise<UpstreamSubscription> {
    if (this.closedBecause !== undefined) throw toOutcomeError(connectionClosed(this.server, this.closedBecause));
    await this.link.openServerStream();
    this.subscriptions ??= new LegacySubscriptions(this.profile.capabilities, (method, params) =>
      this.sendOwnRequest(method, params),
    );
    const isUnobserved = this.isAdopted ? this.subscriptions.unobservedBy(filter) : undefined;
    const subscription = await this.subscriptions.addSubscriber(filter, onChange);
    if (!this.link.serverStreamUnsupported) {
      // Changes during the handoff of the session were delivered to no subscriber.
      if (isUnobserved) {
        for (const change of toMissedChanges(subscription.honoured)) if (isUnobserved(change)) onChange(change);
      }
      return subscription;
    }
    // The server accepted the subscription but has no stream on which to notify: grant nothing rather than break the
    // promise.
    await subscription.close();
    return { honoured: {}, close: () => Promise.resolve() };
  }

  blockingCall(): { readonly asker: CallIdentity | undefined } | undefined {
    const { asker } = this.serialQueue?.blocking?.request ?? {};
    return this.serialQueue?.blocking && { asker };
  }

  close(): Promise<void> {
    this.end('it was closed');
    this.closing ??= this.link.close(true);
    return this.closing;
  }

  // Called by calls.

  ended(call: LegacyCall): void {
    this.inbox.remove(call);
    if (this.serialQueue === undefined) return;
    if (call.cancelled === undefined || !this.serialQueue.isRunning(call)) return this.serialQueue.release(call);
    // A question of the cancelled call may still be in transit. The answer to a ping shows that none is, unless the
    // server continues to work on the call; `cancelledCalls` covers that case.
    const queue = this.serialQueue;
    void this.sendOwnRequest('ping', {}, CANCEL_BARRIER_TIMEOUT_MS).then(() => queue.release(call));
  }

  questionOpened(call: LegacyCall): void {
    if (this.serialQueue?.blocking !== call || this.events.callsMayMove !== true) return;
    for (const waiting of this.serialQueue.waitingCalls) {
      if (this.isBlockedFor(waiting.request)) waiting.settle(BLOCKED_BY_QUESTION);
    }
  }

  async cancel(call: LegacyCall, reason: string): Promise<void> {
    const { asker } = call.request;
    if (!isOwn(call.request)) this.cancelledCalls.add(call.id, asker);
    await this.sendNotification({ method: 'notifications/cancelled', params: { requestId: call.id, reason } });
    // A server without sessions detects the cancellation only by the end of the stream.
    call.transport?.abort();
  }

  // Called by the inbox.

  sendAnswer(message: JsonObject, call?: LegacyCall): void {
    if (this.closed && !this.isDetached && call?.settled !== false) return;
    void this.link.sendOneWay(JSON.stringify(message)).then((delivery) => {
      if (call === undefined || delivery.kind === 'result') return;
      // Otherwise the server would wait for the answer, and the call for the server, until the call's timeout.
      if (!needsNewConnection(delivery)) return call.abandon('the answer to its question could not be delivered');
      call.settle(toFaultOutcome('lost', SESSION_ENDED));
      this.sessionEnded();
    });
  }

  changed(notification: McpNotification): void {
    this.subscriptions?.changed(notification);
  }

  uncorrelatedNotification(notification: McpNotification): void {
    if (!this.closed) this.events.notify(notification);
  }

  unsolicitedQuestion(question: Question, signal: AbortSignal, call?: LegacyCall): Promise<Answer> | undefined {
    const client = call?.request.asker?.client;
    return call !== undefined && client === undefined ? undefined : this.events.question?.(question, signal, client);
  }

  uncorrelatedQuestion(): void {
    this.serialQueue ??= new SerialQueue();
  }

  ambiguousQuestion(): void {
    this.events.ambiguousQuestion?.();
  }

  // Called by the link.

  lost(reason: string, fault: TransportFault = 'lost'): void {
    if (!this.end(reason, fault)) return;
    this.closing ??= this.link.close(true);
    this.events.closed(reason);
  }

  sessionEnded(): void {
    if (!this.end(SESSION_ENDED, 'lost', 'unsent')) return;
    this.closing ??= this.link.close(false);
    this.events.closed(SESSION_ENDED);
  }

  lateAnswer(id: JsonValue | undefined): void {
    if (typeof id === 'number') this.cancelledCalls.answered(id);
  }

  missedChanges(): void {
    this.subscriptions?.missedChanges();
  }

  suspectEra(): void {
    this.reportSuspectEra();
    this.lost('the server changed its protocol revision');
  }

  private sendNotification({ method, params }: McpNotification): Promise<Outcome> {
    const isBare = Object.keys(params).length === 0;
    return this.link.sendOneWay(
      JSON.stringify(isBare ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params }),
    );
  }

  /** Unlike `end`, this leaves in-flight calls running: each has its own stream. */
  private detach(): UpstreamSessionState | undefined {
    const session = this.closed ? undefined : this.link.detach?.();
    if (session === undefined) return undefined;
    this.isDetached = true;
    this.closedBecause = 'another worker has adopted its session';
    this.closing = Promise.resolve();
    return { server: this.server, profile: this.profile, lastId: this.nextId(), ...session };
  }

  private start(
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    surroundings = this.context,
  ): Promise<Outcome> {
    if (this.closedBecause !== undefined) return Promise.resolve(connectionClosed(this.server, this.closedBecause));
    if (this.link.full || this.serialQueue?.full === true) return Promise.resolve(tooManyCalls(this.server));
    if (this.isBlockedFor(request)) return Promise.resolve(BLOCKED_BY_QUESTION);
    const call = new LegacyCall(this.nextId(), request, reply, signal, surroundings, this);
    const { outcome } = call;
    this.inbox.add(call);
    const text = this.toText(call.id, request);
    if (this.serialQueue === undefined || !call.acceptsQuestions) this.link.send(call, text);
    else this.serialQueue.run(call, () => this.link.send(call, text));
    return outcome;
  }

  /** True if the call would wait until another client answers, and may use another connection instead. */
  private isBlockedFor({ method, asker }: UpstreamRequest): boolean {
    const blocking = this.serialQueue?.blocking;
    if (blocking === undefined || this.events.callsMayMove !== true || !canLeadToQuestions(method)) return false;
    return asker === undefined || blocking.request.asker?.principal !== asker.principal;
  }

  private toText(id: number, request: UpstreamRequest): string {
    const params = encodeLegacyRequest(request, request.progressToken === undefined ? {} : { progressToken: id });
    return JSON.stringify({ jsonrpc: '2.0', id, method: request.method, params });
  }

  /** Sends a request on behalf of the gateway. */
  private sendOwnRequest(method: string, params: JsonObject, requestMs = this.context.requestMs): Promise<Outcome> {
    const request = { method, params, client: this.client, asker: GATEWAY_IDENTITY };
    return this.start(request, NO_REPLY, new AbortController().signal, { ...this.context, requestMs });
  }

  private async forwardLogLevel(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    this.logLevel = undefined;
    if (!this.closed) await this.link.openServerStream();
    const outcome = await this.start(request, reply, signal);
    const { level } = request.params;
    // A call may have set another level meanwhile.
    if (outcome.kind === 'result' && isLogLevel(level)) this.logLevel ??= level;
    return outcome;
  }

  private async setLogLevel(level: LogLevel): Promise<void> {
    if (!this.closed) await this.link.openServerStream();
    const outcome = await this.sendOwnRequest('logging/setLevel', { level });
    if (outcome.kind === 'result') this.logLevel = level;
  }

  /** Accepts no further call, and settles all calls in flight or those that were not sent. */
  private end(reason: string, fault: TransportFault = 'lost', ending: 'all' | 'unsent' = 'all'): boolean {
    if (this.closedBecause !== undefined) return false;
    this.closedBecause = reason;
    // No queued call starts any more; all of them settle below.
    this.serialQueue = undefined;
    this.inbox.withdrawUnsolicitedQuestions();
    for (const call of this.inbox.inFlight) {
      if (call.transport?.sent !== true) call.settle(connectionClosed(this.server, reason));
      else if (ending === 'all') call.settle(toFaultOutcome(fault, reason));
    }
    return true;
  }
}

const SESSION_ENDED = 'the server ended the session';

const NO_REPLY: UpstreamReply = {
  notify: () => undefined,
  answerQuestion: async () => ({ error: { code: -32601, message: 'The gateway cannot answer questions' } }),
};
