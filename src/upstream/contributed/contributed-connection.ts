import type { AdapterConnection, ServerProfile } from '#lib/extension-kit';
import {
  toFaultOutcome,
  type Answer,
  type ClientProfile,
  type McpNotification,
  type Outcome,
  type Question,
} from '#lib/mcp-protocol';
import { withDeadline } from '#lib/time';
import type { ChangeFilter } from '../change-filter.js';
import { LegacySubscriptions } from '../dialects/legacy/index.js';
import { findUndeclaredCapability } from '../dialects/questions.js';
import { GATEWAY_CLIENT, GATEWAY_IDENTITY, isOwn } from '../gateway-identity.js';
import {
  DELIVERED,
  type ConnectionEvents,
  type UpstreamConnection,
  type UpstreamReply,
  type UpstreamRequest,
  type UpstreamSubscription,
} from '../upstream-connection.js';
import { connectionClosed, needsNewConnection, onNewConnection, withServer } from '../upstream.errors.js';
import { toThrownOutcome } from './adapter-fault.js';
import { ContributedCall, type ContributedCallHost } from './contributed-call.js';

export interface ContributedConnectionHost extends Omit<ContributedCallHost, 'ended'> {
  /** The client for which the connection was opened. */
  readonly client: ClientProfile;
}

/** A connection of an adapter of an extension, with the rules that the gateway keeps for all connections. */
export class ContributedConnection implements UpstreamConnection {
  private readonly calls = new Set<ContributedCall>();
  private readonly subscriptions: LegacySubscriptions;
  private lastId = 0;
  private endReason: string | undefined;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly connection: AdapterConnection,
    readonly profile: ServerProfile,
    private readonly host: ContributedConnectionHost,
    private readonly events: ConnectionEvents,
  ) {
    const request = (method: string, params: UpstreamRequest['params']) =>
      this.request({ method, params, client: GATEWAY_CLIENT, asker: GATEWAY_IDENTITY }, NO_REPLY, NEVER);
    this.subscriptions = new LegacySubscriptions(profile.capabilities, request);
  }

  get closed(): boolean {
    return this.endReason !== undefined;
  }

  async request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    const { context } = this.host;
    if (this.endReason !== undefined) return connectionClosed(context.server, this.endReason);
    if (signal.aborted) return withServer(toFaultOutcome('refused', 'cancelled before it was sent'), context);
    // The gateway asks whether the server answers, with the method of its era.
    if (this.connection.ping && isOwn(request) && PINGS.has(request.method)) return this.ping(signal);
    const call = new ContributedCall(++this.lastId, request, reply, signal, {
      ...this.host,
      ended: (ended) => this.endCall(ended),
    });
    this.calls.add(call);
    const { outcome } = call;
    call.send(this.connection);
    return this.toMovable(await outcome);
  }

  async notify(notification: McpNotification): Promise<Outcome> {
    const { context } = this.host;
    if (this.endReason !== undefined) return connectionClosed(context.server, this.endReason);
    try {
      await this.withinTime(async () => this.connection.notify?.(notification));
      return DELIVERED;
    } catch (cause) {
      return withServer(toThrownOutcome(cause, 'lost'), context);
    }
  }

  subscribe(filter: ChangeFilter, onChange: (change: McpNotification) => void): Promise<UpstreamSubscription> {
    return this.subscriptions.addSubscriber(filter, onChange);
  }

  /** A message of the server that belongs to no request. */
  received(notification: McpNotification): void {
    if (this.closed) return;
    this.subscriptions.changed(notification);
    this.events.notify(notification);
  }

  /** A question of the server that belongs to no request. Undefined: no client can be meant, or it does not answer such questions. */
  asked(question: Question, signal: AbortSignal): Promise<Answer> | undefined {
    const { method, params } = question;
    if (this.closed || findUndeclaredCapability(method, params, this.host.client.capabilities)) return undefined;
    return this.events.question?.(question, signal);
  }

  /** The adapter says that the connection serves no further request. Running calls receive what the adapter knows about them. */
  ended(reason: string): void {
    if (this.closed) return;
    this.endReason = reason;
    this.events.closed(reason);
    if (this.calls.size === 0) void this.release();
  }

  close(): Promise<void> {
    this.endReason ??= 'it was closed';
    for (const call of this.calls) call.abandon('the connection was closed');
    return this.release();
  }

  private endCall(call: ContributedCall): void {
    this.calls.delete(call);
    if (this.closed && this.calls.size === 0) void this.release();
  }

  /** The adapter frees what the connection holds, once, and after the last call. */
  private release(): Promise<void> {
    this.closing ??= this.withinTime(async () => this.connection.close()).catch((cause: unknown) =>
      this.host.failed(cause),
    );
    return this.closing;
  }

  private async ping(signal: AbortSignal): Promise<Outcome> {
    try {
      await this.withinTime(async (expired) => this.connection.ping?.(AbortSignal.any([signal, expired])));
      return DELIVERED;
    } catch (cause) {
      this.host.failed(cause);
      return withServer(toThrownOutcome(cause, 'refused'), this.host.context);
    }
  }

  /** A call that was not sent because its connection had ended may be sent over a new one. */
  private toMovable(outcome: Outcome): Outcome {
    const data = outcome.kind === 'error' && outcome.httpStatus !== undefined ? outcome.error.data : undefined;
    const isUnsent = (data as { readonly outcome?: unknown } | undefined)?.outcome === 'not_executed';
    return this.closed && isUnsent && !needsNewConnection(outcome) ? onNewConnection(outcome) : outcome;
  }

  /** What may hang is abandoned after the time in which a server must answer a handshake. */
  private async withinTime(run: (expired: AbortSignal) => Promise<unknown>): Promise<void> {
    const { clock, connectMs } = this.host.context;
    const control = new AbortController();
    await withDeadline(clock, connectMs, run(control.signal), () => {
      control.abort();
      throw new Error('it did not answer in time');
    });
  }
}

const PINGS: ReadonlySet<string> = new Set(['ping', 'server/discover']);

const NEVER = new AbortController().signal;
const NO_REPLY: UpstreamReply = {
  notify: () => undefined,
  answerQuestion: () => Promise.reject(new Error('A request of the gateway cannot answer questions.')),
};
