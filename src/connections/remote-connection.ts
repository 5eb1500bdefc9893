import { randomBytes } from 'node:crypto';
import { OutcomeError, type Caller } from '#lib/extension-kit';
import { outcomeOfFault, type ClientProfile, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import { LEAVING, type BusEnd, type BusExchange, type WorkerBus } from '#lib/worker-bus';
import type { ServerDefinition } from '../registry/index.js';
import { NOT_HELD } from './placement.js';
import type {
  ChangeFilter,
  ConnectionEvents,
  Listening,
  ServerProfile,
  UpstreamConnection,
  UpstreamReply,
  UpstreamRequest,
} from '../upstream/index.js';
import { DELIVERY_MARGIN_MS, toOutcomeBeforeCall } from '../workers/index.js';
import { LEASE_TTL_MS, PoolPattern, type ListenEvent, type OpenEvent } from './pool-orders.js';
import { isNotHeld, toConnectionOutcome, ConnectionNotHeld } from './connections.errors.js';
import { RemoteCall } from './remote-call.js';

/** What is taken part in: the connection of one server for these clients, at another worker. */
export interface RemoteTarget {
  /** Incarnation of that worker. */
  readonly worker: string;
  readonly server: ServerDefinition;
  readonly caller: Caller;
  readonly client: ClientProfile;
}

/** A part that is renewed this often survives two renewals that fail. */
const RENEWAL_INTERVAL_MS = LEASE_TTL_MS / 3;
/** For what the other worker does at once. */
const PROMPT_TIMEOUT_MS = 10_000;

/** A part in a connection that another worker has: every request travels there. */
export class RemoteConnection implements UpstreamConnection {
  private readonly leaseId = randomBytes(16).toString('base64url');
  private serverProfile: ServerProfile | undefined;
  private isClosed = false;
  /** Keeps the part alive; the newest that the other worker has confirmed. */
  private keepAlive: BusExchange | undefined;
  private renewal: NodeJS.Timeout | undefined;

  private constructor(
    private readonly bus: WorkerBus,
    private readonly target: RemoteTarget,
    private readonly events: ConnectionEvents,
  ) {}

  /** Rejects with a GatewayError when the connection cannot be had there; no call has run then. */
  static async open(bus: WorkerBus, place: RemoteTarget, events: ConnectionEvents): Promise<RemoteConnection> {
    const connection = new RemoteConnection(bus, place, events);
    await connection.acquireLease();
    return connection;
  }

  /** As the server told it when the part was opened. */
  get profile(): ServerProfile {
    if (!this.serverProfile) throw new Error('The connection is not open.');
    return this.serverProfile;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  async request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return outcomeOfFault('refused', 'cancelled before it was sent');
    if (this.isClosed) return NOT_HELD;
    const { connectMs, requestMs } = this.target.server.timeouts;
    const order = { to: this.target.worker, budgetMs: connectMs + requestMs + DELIVERY_MARGIN_MS };
    const end = await new RemoteCall(this.bus, order, this.leaseId, reply).run(request, signal);
    if (!signal.aborted) this.closeIfLost(end);
    return isCertainlyNotRun(end) ? NOT_HELD : toConnectionOutcome(end);
  }

  async notify(notification: McpNotification): Promise<void> {
    if (this.isClosed) return;
    await this.send(PoolPattern.notify, { notification }, PROMPT_TIMEOUT_MS).end;
  }

  async subscribe(filter: ChangeFilter, onChange: (notification: McpNotification) => void): Promise<Listening> {
    if (this.isClosed) throw new ConnectionNotHeld();
    const heard = Promise.withResolvers<Omit<Listening, 'close'>>();
    const exchange = this.send(PoolPattern.listen, { filter }, undefined, (event) => {
      const told = event as ListenEvent;
      if (told.kind === 'changed') onChange(told.notification);
      else if (told.kind === 'listening') heard.resolve(told);
    });
    const ended = exchange.end.then((end) => ({ end }));
    const first = await Promise.race([heard.promise, ended]);
    if ('end' in first) throw this.toError(first.end);
    let isWanted = true;
    // A listener that nobody listens for any more would wait for ever; with the connection its users look for another.
    void ended.then(() => isWanted && this.closeAsLost('its changes are not told any more'));
    return {
      honoured: first.honoured,
      ...(first.refused && { refused: first.refused }),
      close: async () => {
        isWanted = false;
        exchange.cancel();
        await exchange.end;
      },
    };
  }

  /** Ends the part. The connection stays with the worker that has it. */
  async close(): Promise<void> {
    const { keepAlive: keeper } = this;
    this.markClosed();
    await keeper?.end;
  }

  private async acquireLease(): Promise<void> {
    const confirmed = Promise.withResolvers<void>();
    const exchange = this.renewLease(confirmed.resolve);
    const failure = exchange.end.then((end) => this.toError(end));
    const cause = await Promise.race([confirmed.promise, failure]);
    if (cause) throw cause;
    this.renewal = setInterval(() => this.renewLease(), RENEWAL_INTERVAL_MS).unref();
  }

  /** Takes the part, or renews it. What fails to be renewed is tried again by the next. */
  private renewLease(onConfirmed?: () => void): BusExchange {
    const { server, caller, client } = this.target;
    const order = { server: server.slug, caller: withoutClaims(caller), client };
    const exchange = this.send(PoolPattern.open, order, LEASE_TTL_MS, (event) => {
      const told = event as OpenEvent;
      if (told.kind === 'notification') return this.events.notify(told.notification);
      this.serverProfile ??= told.profile;
      if (this.isClosed) return exchange.cancel();
      this.keepAlive = exchange;
      onConfirmed?.();
    });
    void exchange.end.then(
      () => this.keepAlive === exchange && this.closeAsLost('the worker that has it let go of it'),
    );
    return exchange;
  }

  private send(
    pattern: string,
    order: object,
    budgetMs: number | undefined,
    onEvent?: (event: unknown) => void,
  ): BusExchange {
    const what = { to: this.target.worker, pattern, payload: { part: this.leaseId, ...order } };
    return this.bus.request(budgetMs === undefined ? what : { ...what, budgetMs }, onEvent);
  }

  /** The other worker is not there, or has no connection for us any more: the next call has to look for another one. */
  private closeIfLost(end: BusEnd): void {
    if (isCertainlyNotRun(end) || (end.kind === 'unknown' && end.cause === 'owner-gone'))
      this.closeAsLost('its worker does not answer');
  }

  private closeAsLost(reason: string): void {
    if (this.isClosed) return;
    this.markClosed();
    this.events.closed(reason);
  }

  private markClosed(): void {
    this.isClosed = true;
    clearInterval(this.renewal);
    this.keepAlive?.cancel();
  }

  /** Why something that is no call could not be had. What should have lasted and ended is a failure too. */
  private toError(end: BusEnd): OutcomeError | ConnectionNotHeld {
    const outcome = end.kind === 'value' ? toConnectionOutcome(end) : toOutcomeBeforeCall(end);
    return outcome.kind === 'error' ? new OutcomeError(outcome) : new ConnectionNotHeld();
  }
}

/** What a pool knows its users by; the rest of a token is nobody's business there. */
const withoutClaims = (caller: Caller): Caller => ({
  ...caller,
  roles: [],
  teams: [],
  scopes: [],
  claims: {},
});

/** Nobody took it, or nobody there knew the connection. Not so where Redis cannot be asked: it would be no better then. */
function isCertainlyNotRun(end: BusEnd): boolean {
  if (end.kind === 'not-executed') return end.cause === 'unreachable';
  if (end.kind === 'refused') return end.reason === LEAVING;
  return end.kind === 'value' && isNotHeld(end.value);
}
