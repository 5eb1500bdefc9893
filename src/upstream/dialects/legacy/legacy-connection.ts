import {
  encodeLegacyRequest,
  mayBeAsked,
  outcomeOfFault,
  type ClientProfile,
  type JsonObject,
  type JsonValue,
  type LogLevel,
  type McpNotification,
  type Outcome,
  type TransportFault,
} from '#lib/mcp-protocol';
import { missedBy } from '../../change-filter.js';
import type {
  Asker,
  ChangeFilter,
  ConnectionEvents,
  Listening,
  ServerProfile,
  UpstreamConnection,
  UpstreamReply,
  UpstreamRequest,
} from '../../upstream-connection.js';
import type { UpstreamSessionState } from '../../upstream-session-state.js';
import { connectionClosed, thrown, tooManyCalls } from '../../upstream.errors.js';
import type { CallSurroundings } from '../running-call.js';
import { WithdrawnCalls } from '../withdrawn-calls.js';
import { LegacyCall, type CallKeeper } from './legacy-call.js';
import { LegacyInbox, type InboxOwner } from './legacy-inbox.js';
import type { LegacyLink, LinkHost } from './legacy-link.js';
import { LegacySubscriptions } from './legacy-subscriptions.js';
import { Turns } from './turns.js';

/**
 * How long the next call waits for the server to confirm, by the answer to a ping, that it has read a cancellation, in
 * milliseconds. Until then the server may still send a question for the cancelled call.
 */
const BARRIER_MS = 1_000;

export interface LegacyConnectionParts {
  readonly profile: ServerProfile;
  readonly client: ClientProfile;
  readonly surroundings: CallSurroundings;
  readonly events: ConnectionEvents;
  readonly link: (host: LinkHost) => LegacyLink;
  /** Continues the request ids of the handshake. */
  readonly nextId: () => number;
  readonly suspectEra: () => void;
}

/** A connection with a legacy server: one session, or one process. */
export class LegacyConnection implements UpstreamConnection, CallKeeper, InboxOwner, LinkHost {
  readonly profile: ServerProfile;
  readonly client: ClientProfile;
  readonly server: string;
  readonly revision: string;
  readonly inbox = new LegacyInbox(this);
  readonly withdrawnCalls: WithdrawnCalls;
  readonly surrender: (() => UpstreamSessionState | undefined) | undefined;
  private readonly surroundings: CallSurroundings;
  private readonly events: ConnectionEvents;
  private readonly link: LegacyLink;
  private subscriptions: LegacySubscriptions | undefined;
  private readonly mayBeAsked: boolean;
  private turns: Turns | undefined;
  private logLevel: LogLevel | undefined;
  private closedBecause: string | undefined;
  private closing: Promise<void> | undefined;
  private isSurrendered = false;
  private isAdopted = false;

  constructor(private readonly parts: LegacyConnectionParts) {
    const { profile, client, surroundings, events } = parts;
    this.profile = profile;
    this.client = client;
    this.revision = profile.revision;
    this.server = surroundings.server;
    this.surroundings = surroundings;
    this.events = events;
    this.withdrawnCalls = new WithdrawnCalls(surroundings);
    this.mayBeAsked = mayBeAsked(client.capabilities);
    this.link = parts.link(this);
    this.surrender = this.link.leave && (() => this.giveAway());
    if (this.mayBeAsked && this.link.sharesOneStream) this.turns = new Turns();
  }

  get closed(): boolean {
    return this.closedBecause !== undefined;
  }

  /** Completes the handshake, and opens the server stream if the client can answer questions. */
  async begin(): Promise<void> {
    await this.notify({ method: 'notifications/initialized', params: {} });
    if (this.mayBeAsked) await this.link.openEars();
  }

  /** Replaces `completeHandshake` for a session that another worker opened. Does not wait for the server stream. */
  goOn(hadServerStream: boolean): void {
    this.isAdopted = true;
    if (this.mayBeAsked || hadServerStream) void this.link.openEars();
  }

  request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return Promise.resolve(outcomeOfFault('refused', 'cancelled before it was sent'));
    const { logLevel, method } = request;
    if (method === 'logging/setLevel') return this.passLevel(request, reply, signal);
    if (logLevel === undefined || logLevel === this.logLevel || this.profile.capabilities['logging'] === undefined) {
      return this.start(request, reply, signal);
    }
    return this.setLevel(logLevel).then(() => this.start(request, reply, signal));
  }

  async notify(notification: McpNotification): Promise<void> {
    if (!this.closed) await this.tell(notification);
  }

  async listen(filter: ChangeFilter, onChange: (notification: McpNotification) => void): Promise<Listening> {
    if (this.closedBecause !== undefined) throw thrown(connectionClosed(this.server, this.closedBecause));
    await this.link.openEars();
    this.subscriptions ??= new LegacySubscriptions(this.profile.capabilities, (method, params) =>
      this.own(method, params),
    );
    const isUnobserved = this.isAdopted ? this.subscriptions.unheardOf(filter) : undefined;
    const subscription = await this.subscriptions.listen(filter, onChange);
    if (!this.link.isDeaf) {
      // Changes during the handoff of the session were delivered to no subscriber.
      if (isUnobserved) {
        for (const change of missedBy(subscription.honoured)) if (isUnobserved(change)) onChange(change);
      }
      return subscription;
    }
    // The server accepted the subscription but has no stream on which to notify: grant nothing rather than break the
    // promise.
    await subscription.close();
    return { honoured: {}, close: () => Promise.resolve() };
  }

  close(): Promise<void> {
    this.end('it was closed');
    this.closing ??= this.link.close();
    return this.closing;
  }

  // Called by calls.

  ended(call: LegacyCall): void {
    this.inbox.remove(call);
    if (this.turns === undefined) return;
    if (call.cancelled === undefined || !this.turns.holds(call)) return this.turns.leave(call);
    // A question of the cancelled call may still be in transit. The answer to a ping shows that none is, unless the
    // server continues to work on the call; `cancelledCalls` covers that case.
    const queue = this.turns;
    void this.own('ping', {}, BARRIER_MS).then(() => queue.leave(call));
  }

  async cancel(call: LegacyCall, reason: string): Promise<void> {
    const { asker } = call.request;
    if (asker !== OURSELVES) this.withdrawnCalls.add(call.id, asker);
    await this.tell({ method: 'notifications/cancelled', params: { requestId: call.id, reason } });
    // A server without sessions detects the cancellation only by the end of the stream.
    call.carriage?.drop();
  }

  // Called by the inbox.

  answer(message: JsonObject, call?: LegacyCall): void {
    if (this.closed && !this.isSurrendered) return;
    void this.link.say(JSON.stringify(message)).then((delivery) => {
      if (call === undefined || delivery === 'taken') return;
      // Otherwise the server would wait for the answer, and the call for the server, until the call's timeout.
      if (delivery === 'session ended') this.lost('the server ended the session');
      call.abandon('the answer to its question could not be delivered');
    });
  }

  changed(notification: McpNotification): void {
    this.subscriptions?.changed(notification);
  }

  unrelated(notification: McpNotification): void {
    if (!this.closed) this.events.notify(notification);
  }

  askedWithoutRelation(): void {
    this.turns ??= new Turns();
  }

  doubted(): void {
    this.events.doubted?.();
  }

  // Called by the link.

  lost(reason: string, fault: TransportFault = 'lost'): void {
    if (!this.end(reason, fault)) return;
    this.closing ??= this.link.close();
    this.events.closed(reason);
  }

  answeredLate(id: JsonValue | undefined): void {
    if (typeof id === 'number') this.withdrawnCalls.answered(id);
  }

  missedChanges(): void {
    this.subscriptions?.missedChanges();
  }

  suspectEra(): void {
    this.parts.suspectEra();
    this.lost('the server changed its protocol revision');
  }

  private async tell({ method, params }: McpNotification): Promise<void> {
    const isBare = Object.keys(params).length === 0;
    await this.link.say(JSON.stringify(isBare ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params }));
  }

  /** Unlike `end`, this leaves in-flight calls running: each has its own stream. */
  private giveAway(): UpstreamSessionState | undefined {
    const session = this.closed ? undefined : this.link.leave?.();
    if (session === undefined) return undefined;
    this.isSurrendered = true;
    this.closedBecause = 'another worker has adopted its session';
    this.closing = Promise.resolve();
    return { server: this.server, profile: this.profile, lastId: this.parts.nextId(), ...session };
  }

  private start(
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    surroundings = this.surroundings,
  ): Promise<Outcome> {
    if (this.closedBecause !== undefined) return Promise.resolve(connectionClosed(this.server, this.closedBecause));
    if (this.link.full || this.turns?.full === true) return Promise.resolve(tooManyCalls(this.server));
    const call = new LegacyCall(this.parts.nextId(), request, reply, signal, surroundings, this);
    const { outcome } = call;
    this.inbox.add(call);
    const text = this.textOf(call.id, request);
    if (this.turns === undefined || !call.mayAsk) this.link.carry(call, text);
    else this.turns.take(call, () => this.link.carry(call, text));
    return outcome;
  }

  private textOf(id: number, request: UpstreamRequest): string {
    const params = encodeLegacyRequest(request, request.progressToken === undefined ? {} : { progressToken: id });
    return JSON.stringify({ jsonrpc: '2.0', id, method: request.method, params });
  }

  /** Sends a request on behalf of the gateway. */
  private own(method: string, params: JsonObject, requestMs = this.surroundings.requestMs): Promise<Outcome> {
    const request = { method, params, client: this.client, asker: OURSELVES };
    return this.start(request, NOBODY, new AbortController().signal, { ...this.surroundings, requestMs });
  }

  private async passLevel(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    this.logLevel = undefined;
    if (!this.closed) await this.link.openEars();
    return this.start(request, reply, signal);
  }

  private async setLevel(level: LogLevel): Promise<void> {
    if (!this.closed) await this.link.openEars();
    const outcome = await this.own('logging/setLevel', { level });
    if (outcome.kind === 'result') this.logLevel = level;
  }

  private end(reason: string, fault: TransportFault = 'lost'): boolean {
    if (this.closedBecause !== undefined) return false;
    this.closedBecause = reason;
    // No queued call starts any more; all of them settle below.
    this.turns = undefined;
    for (const call of this.inbox.running) {
      call.settle(call.carriage?.sent === true ? outcomeOfFault(fault, reason) : connectionClosed(this.server, reason));
    }
    return true;
  }
}

/** The identity of requests that the gateway sends on its own behalf. */
const OURSELVES: Asker = { principal: 'the gateway', client: 'the gateway' };

const NOBODY: UpstreamReply = {
  notify: () => undefined,
  ask: async () => ({ error: { code: -32601, message: 'The gateway cannot answer questions' } }),
};
