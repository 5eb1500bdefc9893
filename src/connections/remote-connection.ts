import { randomBytes } from 'node:crypto';
import { OutcomeError, type Caller } from '#lib/extension-kit';
import {
  canAnswerQuestions,
  toFaultOutcome,
  type ClientProfile,
  type Era,
  type McpNotification,
  type Outcome,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { LEAVING_REASON, type BusEnd, type BusExchange, type WorkerBus } from '#lib/worker-bus';
import { maximumOf, type ServerDefinition } from '../registry/index.js';
import { NOT_HELD } from './placement.js';
import {
  BLOCKED_BY_QUESTION,
  type ChangeFilter,
  type ConnectionEvents,
  type UpstreamSubscription,
  type ServerProfile,
  type UpstreamConnection,
  type UpstreamReply,
  type UpstreamRequest,
} from '../upstream/index.js';
import { DELIVERY_MARGIN_MS, toOutcomeBeforeCall, withRequestId } from '../workers/index.js';
import { LEASE_TTL_MS, PoolPattern, type ListenEvent, type OpenEvent } from './pool-orders.js';
import { isBlocked, isNotHeld, toConnectionOutcome, ConnectionNotHeld } from './connections.errors.js';
import { RemoteCall } from './remote-call.js';
import { RemoteQuestions } from './remote-questions.js';

/** The shared connection to one server for this caller and client, owned by another worker. */
export interface RemoteTarget {
  /** Id of the worker that owns the connection. */
  readonly worker: string;
  readonly server: ServerDefinition;
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** The era in which a server that speaks both serves the client. */
  readonly clientEra?: Era;
  /** The account whose credentials the connection must have. Absent: the common one. */
  readonly account?: string | undefined;
}

/** With this interval a lease survives two failed renewals. */
const RENEWAL_INTERVAL_MS = LEASE_TTL_MS / 3;
/** Timeout of requests that the other worker answers immediately. */
const PROMPT_TIMEOUT_MS = 10_000;

/** A leased connection that another worker owns. Forwards every request to that worker. */
export class RemoteConnection implements UpstreamConnection {
  private readonly leaseId = randomBytes(16).toString('base64url');
  private serverProfile: ServerProfile | undefined;
  private isClosed = false;
  /** The exchange that keeps the lease alive; the latest that the other worker has confirmed. */
  private keepAlive: BusExchange | undefined;
  private cancelRenewal: (() => void) | undefined;
  private readonly questions: RemoteQuestions;

  private constructor(
    private readonly bus: WorkerBus,
    private readonly target: RemoteTarget,
    private readonly events: ConnectionEvents,
    private readonly clock: Clock,
  ) {
    this.questions = new RemoteQuestions(
      events,
      (answer) => this.send(PoolPattern.answer, answer, PROMPT_TIMEOUT_MS).end,
    );
  }

  /** Rejects with a GatewayError when the other worker cannot provide the connection; no call has run then. */
  static async open(
    bus: WorkerBus,
    target: RemoteTarget,
    events: ConnectionEvents,
    clock: Clock,
  ): Promise<RemoteConnection> {
    const connection = new RemoteConnection(bus, target, events, clock);
    await connection.acquireLease();
    return connection;
  }

  /** The server's profile at the time when the lease was acquired. */
  get profile(): ServerProfile {
    if (!this.serverProfile) throw new Error('The connection is not open yet.');
    return this.serverProfile;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  async request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return toFaultOutcome('refused', 'cancelled before it was sent');
    if (this.isClosed) return NOT_HELD;
    const { timeouts } = this.target.server;
    // Only progress extends the timeout of a call.
    const callMs = request.progressToken === undefined ? timeouts.requestMs : maximumOf(timeouts);
    const budgetMs = timeouts.connectMs + callMs + DELIVERY_MARGIN_MS;
    // The timeout is paused while the client answers a question. Only the worker that sends the request to the server can measure
    // that time, so a request that may lead to questions has no budget here.
    const isTimed = !canAnswerQuestions(request.client.capabilities) && request.acceptsUnknown !== true;
    const order = { to: this.target.worker, ...(isTimed && { budgetMs }) };
    const call = new RemoteCall(this.bus, order, this.leaseId, reply);
    const end = await call.run(request, signal);
    if (end.kind === 'value' && isBlocked(end.value)) return BLOCKED_BY_QUESTION;
    if (!signal.aborted) this.closeIfLost(end);
    if (isCertainlyNotRun(end)) return end.kind === 'value' ? toConnectionOutcome(end) : NOT_HELD;
    return withRequestId(toConnectionOutcome(end), call.requestId);
  }

  async notify(notification: McpNotification): Promise<Outcome> {
    if (this.isClosed) return NOT_HELD;
    const end = await this.send(PoolPattern.notify, { notification }, PROMPT_TIMEOUT_MS).end;
    this.closeIfLost(end);
    return isCertainlyNotRun(end) && end.kind !== 'value' ? NOT_HELD : toConnectionOutcome(end);
  }

  async subscribe(
    filter: ChangeFilter,
    onChange: (notification: McpNotification) => void,
  ): Promise<UpstreamSubscription> {
    if (this.isClosed) throw new ConnectionNotHeld();
    const subscribed = Promise.withResolvers<Omit<UpstreamSubscription, 'close'>>();
    const exchange = this.send(PoolPattern.listen, { filter }, undefined, (event) => {
      const received = event as ListenEvent;
      if (received.kind === 'changed') onChange(received.notification);
      else if (received.kind === 'listening') subscribed.resolve(received);
    });
    const ended = exchange.end.then((end) => ({ end }));
    const first = await Promise.race([subscribed.promise, ended]);
    if ('end' in first) {
      this.closeIfLost(first.end);
      throw this.toError(first.end);
    }
    let isSubscribed = true;
    // Without this the subscriber would wait forever for changes. Closing the connection makes its users open a new
    // one.
    void ended.then(() => isSubscribed && this.closeAsLost('its subscription to changes ended'));
    return {
      honoured: first.honoured,
      ...(first.refused && { refused: first.refused }),
      close: async () => {
        isSubscribed = false;
        exchange.cancel();
        await exchange.end;
      },
    };
  }

  /** Releases the lease. The connection stays open at the worker that owns it. */
  async close(): Promise<void> {
    const { keepAlive } = this;
    this.markClosed();
    await keepAlive?.end;
  }

  private async acquireLease(): Promise<void> {
    const confirmed = Promise.withResolvers<void>();
    const exchange = this.renewLease(confirmed.resolve);
    const failure = exchange.end.then((end) => this.toError(end));
    const cause = await Promise.race([confirmed.promise, failure]);
    if (cause) throw cause;
    this.cancelRenewal = this.clock.every(RENEWAL_INTERVAL_MS, () => this.renewLease());
  }

  /** Acquires or renews the lease. The next renewal retries after a failed one. */
  private renewLease(onConfirmed?: () => void): BusExchange {
    const { server, caller, client, clientEra, account } = this.target;
    const order = {
      server: server.slug,
      // The credentials of the owner may depend on everything that is known about the caller.
      ...(account === undefined ? { caller: withoutClaims(caller) } : { caller, account }),
      client,
      ...(clientEra && { clientEra }),
    };
    const exchange = this.send(PoolPattern.open, order, LEASE_TTL_MS, (event) => {
      const received = event as OpenEvent;
      if (received.kind === 'notification') return this.events.notify(received.notification);
      if (received.kind !== 'open') return this.questions.handle(received);
      this.serverProfile ??= received.profile;
      if (this.isClosed) return exchange.cancel();
      this.keepAlive = exchange;
      onConfirmed?.();
    });
    void exchange.end.then(
      () => this.keepAlive === exchange && this.closeAsLost('the worker that owns it ended the lease'),
    );
    return exchange;
  }

  private send(
    pattern: string,
    order: object,
    budgetMs: number | undefined,
    onEvent?: (event: unknown) => void,
  ): BusExchange {
    const message = { to: this.target.worker, pattern, payload: { part: this.leaseId, ...order } };
    return this.bus.request(budgetMs === undefined ? message : { ...message, budgetMs }, onEvent);
  }

  /** The other worker is unreachable or no longer holds the connection, so the next call must open a new one. */
  private closeIfLost(end: BusEnd): void {
    if (isCertainlyNotRun(end) || (end.kind === 'unknown' && end.cause === 'owner-dead'))
      this.closeAsLost('the worker that owns it is unreachable');
  }

  private closeAsLost(reason: string): void {
    if (this.isClosed) return;
    this.markClosed();
    this.events.closed(reason);
  }

  private markClosed(): void {
    this.isClosed = true;
    this.questions.withdrawAll();
    this.cancelRenewal?.();
    this.keepAlive?.cancel();
  }

  /**
   * Converts the end of a request that is not a call into an error. An exchange that should have lasted is a failure
   * even if it ended with a result.
   */
  private toError(end: BusEnd): OutcomeError | ConnectionNotHeld {
    const outcome = end.kind === 'value' ? toConnectionOutcome(end) : toOutcomeBeforeCall(end);
    return outcome.kind === 'error' ? new OutcomeError(outcome) : new ConnectionNotHeld();
  }
}

/** The owner needs only what identifies the caller in its pool; the other claims of the token stay here. */
const withoutClaims = ({ grants: _grants, ...caller }: Caller): Caller => ({
  ...caller,
  roles: [],
  teams: [],
  scopes: [],
  claims: {},
});

/**
 * Returns true when no worker accepted the request, or the worker does not hold the connection. An unavailable Redis
 * does not count, because a new connection would need Redis too.
 */
function isCertainlyNotRun(end: BusEnd): boolean {
  if (end.kind === 'not-executed') return end.cause === 'unreachable';
  if (end.kind === 'refused') return end.reason === LEAVING_REASON;
  return end.kind === 'value' && isNotHeld(end.value);
}
