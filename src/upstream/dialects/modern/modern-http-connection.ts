import { toFaultOutcome, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import type { HttpChannel } from '../../channels/http/index.js';
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
import { connectionClosed, toOutcomeError, tooManyCalls, withServer } from '../../upstream.errors.js';
import type { CallContext } from '../in-flight-call.js';
import { HttpListenStream } from './http-listen-stream.js';
import { findOversizedHeader, mirroredHeaders, modernHeaders } from './modern-headers.js';
import { LISTEN_METHOD, ModernSubscription, type OpenListenStream } from './modern-subscription.js';
import { toNotificationText } from './modern-notification.js';
import { modernText, gatewayRequest } from './modern-text.js';
import { toDelivery } from '../request-ending.js';
import { SingleRequest } from '../single-request.js';
import { ModernHttpCall, type ModernCallContext } from './modern-http-call.js';

const ERA_CHANGED = 'the server changed its protocol revision';

/** Timeout for a notification, which expects no answer, in milliseconds. */
const ONE_WAY_TIMEOUT_MS = 5_000;

/** Minimum interval between two era checks of a connection, in milliseconds. */
const MIN_ERA_CHECK_INTERVAL_MS = 5_000;

/** A connection to a modern server over HTTP. There is no session: the connection consists of a pool and a profile. */
export class ModernHttpConnection implements UpstreamConnection {
  private readonly context: ModernCallContext;
  private readonly headers: readonly string[];
  private readonly releaseChannel: () => void;
  private readonly subscriptions = new Set<ModernSubscription>();
  private lastId = 0;
  private lastEraCheckAt = Number.NEGATIVE_INFINITY;
  private closedBecause: string | undefined;

  constructor(
    private readonly channel: HttpChannel,
    readonly profile: ServerProfile,
    surroundings: CallContext,
    private readonly events: ConnectionEvents,
    /** Probes the server. Resolves with undefined if it left the modern era, and rejects if it cannot be reached. */
    private readonly discover: () => Promise<ServerProfile | undefined>,
  ) {
    this.context = { ...surroundings, revision: profile.revision, suspectEra: () => this.suspect() };
    this.headers = modernHeaders(channel.headers, profile.revision);
    this.releaseChannel = channel.lease();
  }

  get closed(): boolean {
    return this.closedBecause !== undefined;
  }

  async readProfile(): Promise<ServerProfile> {
    const found = await this.discover();
    if (found !== undefined) return found;
    this.leave();
    throw toOutcomeError(connectionClosed(this.context.server, ERA_CHANGED));
  }

  request(request: UpstreamRequest, reply: UpstreamReply, signal: AbortSignal): Promise<Outcome> {
    const server = this.context.server;
    if (this.closedBecause !== undefined) return Promise.resolve(connectionClosed(server, this.closedBecause));
    if (signal.aborted) return Promise.resolve(toFaultOutcome('refused', 'cancelled before it was sent'));
    const oversized = findOversizedHeader(request);
    if (oversized) return Promise.resolve(oversized);
    if (this.channel.full) return Promise.resolve(tooManyCalls(server));
    const id = ++this.lastId;
    const call = new ModernHttpCall(id, request, reply, signal, this.context);
    const { outcome } = call;
    call.exchange = this.channel.postCall(
      mirroredHeaders(this.headers, request),
      modernText(id, request, this.profile.revision),
      call,
    );
    return outcome;
  }

  async notify(notification: McpNotification): Promise<Outcome> {
    if (this.closedBecause !== undefined) return connectionClosed(this.context.server, this.closedBecause);
    const body = toNotificationText(notification, this.profile.revision);
    if (body === undefined) return DELIVERED;
    const headers = [...this.headers, 'mcp-method', notification.method];
    const request = { method: 'POST', headers, body, timeoutMs: ONE_WAY_TIMEOUT_MS } as const;
    return withServer(toDelivery(await new SingleRequest(this.channel, request).ended), this.context);
  }

  subscribe(filter: ChangeFilter, onChange: (notification: McpNotification) => void): Promise<UpstreamSubscription> {
    const { server, revision } = this.context;
    if (this.closedBecause !== undefined)
      return Promise.reject(toOutcomeError(connectionClosed(server, this.closedBecause)));
    const open: OpenListenStream = (params, reader) => {
      const id = ++this.lastId;
      const request = gatewayRequest(LISTEN_METHOD, params);
      const headers = mirroredHeaders(this.headers, request);
      return new HttpListenStream(this.channel, headers, modernText(id, request, revision), id, revision, reader);
    };
    const remove = (ended: ModernSubscription): void => void this.subscriptions.delete(ended);
    const subscription = new ModernSubscription(open, filter, onChange, this.context, remove);
    this.subscriptions.add(subscription);
    return subscription.begin();
  }

  async close(): Promise<void> {
    this.end('it was closed');
  }

  /**
   * Probes the server again after an answer that is typical of another era. Closes the connection if the era changed.
   */
  private suspect(): void {
    const now = this.context.clock.monotonicNow();
    if (this.closed || now - this.lastEraCheckAt < MIN_ERA_CHECK_INTERVAL_MS) return;
    this.lastEraCheckAt = now;
    // A server that cannot be reached at the moment has not necessarily changed its era.
    void this.discover().then(
      (found) => found === undefined && this.leave(),
      () => undefined,
    );
  }

  private leave(): void {
    if (this.end(ERA_CHANGED)) this.events.closed(ERA_CHANGED);
  }

  private end(reason: string): boolean {
    if (this.closedBecause !== undefined) return false;
    this.closedBecause = reason;
    for (const subscription of this.subscriptions) subscription.close();
    this.releaseChannel();
    return true;
  }
}
