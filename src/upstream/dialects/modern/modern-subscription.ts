import {
  isJsonObject,
  META,
  toFaultOutcome,
  type JsonObject,
  type McpNotification,
  type Outcome,
} from '#lib/mcp-protocol';
import { Backoff } from '../../channels/backoff.js';
import { toMissedChanges, matchesFilter, type ChangeFilter } from '../../change-filter.js';
import type { UpstreamSubscription } from '../../upstream-connection.js';
import { protocolViolation, withServer, toOutcomeError } from '../../upstream.errors.js';
import type { CallContext } from '../in-flight-call.js';

export const LISTEN_METHOD = 'subscriptions/listen';
const ACKNOWLEDGED_METHOD = 'notifications/subscriptions/acknowledged';

/** One in-flight `subscriptions/listen` request. */
export interface ListenStream {
  close(): void;
}

/** Receives the messages of such a request's stream. */
export interface ListenReader {
  notification(notification: McpNotification): void;
  /** The stream ended. The outcome is set when the server answered the request. */
  ended(outcome: Outcome | undefined): void;
}

export type OpenListenStream = (params: JsonObject, reader: ListenReader) => ListenStream;

/**
 * A subscription at a modern server (basic/patterns/subscriptions). Once acknowledged, its stream is reopened whenever
 * it ends, and the subscriber is notified that it may have missed changes.
 */
export class ModernSubscription implements ListenReader {
  private honoured: ChangeFilter = {};
  private state: 'opening' | 'acknowledged' | 'reopening' | 'closed' = 'opening';
  private stream: ListenStream | undefined;
  private cancelTimer: (() => void) | undefined;
  private readonly backoff = new Backoff();
  private readonly firstAcknowledgement = Promise.withResolvers<UpstreamSubscription>();

  constructor(
    private readonly openStream: OpenListenStream,
    private readonly filter: ChangeFilter,
    private readonly onChange: (notification: McpNotification) => void,
    private readonly context: CallContext,
    private readonly onClosed: (listening: ModernSubscription) => void,
  ) {}

  /** Resolves when the server acknowledges the subscription. Rejects with an OutcomeError. */
  begin(): Promise<UpstreamSubscription> {
    this.connect();
    return this.firstAcknowledgement.promise;
  }

  close(): void {
    if (this.state === 'opening') this.fail(toFaultOutcome('refused', 'it was closed'));
    this.state = 'closed';
    this.cancelTimer?.();
    this.stream?.close();
    this.onClosed(this);
  }

  notification({ method, params }: McpNotification): void {
    if (method === ACKNOWLEDGED_METHOD) return this.acknowledge(params['notifications']);
    // Notifications before the acknowledgement and outside the filter are not allowed.
    if (this.state !== 'acknowledged') return;
    const change = { method, params: withoutSubscriptionId(params) };
    if (matchesFilter(this.honoured, change)) this.onChange(change);
  }

  ended(outcome: Outcome | undefined): void {
    this.cancelTimer?.();
    if (this.state === 'opening') {
      const isRefusal = outcome?.kind === 'error';
      return this.fail(
        isRefusal ? outcome : protocolViolation(this.context.server, 'it did not acknowledge the subscription'),
      );
    }
    if (this.state === 'closed') return;
    this.state = 'reopening';
    this.cancelTimer = this.context.clock.after(this.backoff.next(), () => this.connect());
  }

  private connect(): void {
    if (this.state === 'closed') return;
    this.cancelTimer = this.context.clock.after(this.context.connectMs, () => this.acknowledgementTimedOut());
    this.stream = this.openStream({ notifications: this.filter as JsonObject }, this);
  }

  private acknowledge(granted: unknown): void {
    if (this.state === 'closed' || this.state === 'acknowledged') return;
    this.cancelTimer?.();
    const isFirst = this.state === 'opening';
    this.state = 'acknowledged';
    this.honoured = intersect(this.filter, isJsonObject(granted) ? granted : {});
    if (isFirst) return this.firstAcknowledgement.resolve({ honoured: this.honoured, close: async () => this.close() });
    this.cancelTimer = this.context.clock.after(STABLE_MS, () => this.backoff.reset());
    for (const change of toMissedChanges(this.honoured)) this.onChange(change);
  }

  private acknowledgementTimedOut(): void {
    this.stream?.close();
    this.ended(toFaultOutcome('timeout', 'the subscription was not acknowledged in time'));
  }

  private fail(outcome: Outcome): void {
    this.state = 'closed';
    this.firstAcknowledgement.reject(toOutcomeError(withServer(outcome, this.context)));
    this.onClosed(this);
  }
}

/** A stream that stayed open this long was accepted by its server; the back-off is reset, in milliseconds. */
const STABLE_MS = 10_000;

/** Returns the part of the filter that the server granted. */
function intersect(filter: ChangeFilter, granted: JsonObject): ChangeFilter {
  const uris = granted['resourceSubscriptions'];
  const resources = filter.resourceSubscriptions?.filter((uri) => Array.isArray(uris) && uris.includes(uri)) ?? [];
  return {
    ...(filter.toolsListChanged === true && granted['toolsListChanged'] === true && { toolsListChanged: true }),
    ...(filter.promptsListChanged === true && granted['promptsListChanged'] === true && { promptsListChanged: true }),
    ...(filter.resourcesListChanged === true &&
      granted['resourcesListChanged'] === true && { resourcesListChanged: true }),
    ...(resources.length > 0 && { resourceSubscriptions: resources }),
  };
}

function withoutSubscriptionId(params: JsonObject): JsonObject {
  const meta = params['_meta'];
  if (!isJsonObject(meta) || meta[META.subscriptionId] === undefined) return params;
  const { [META.subscriptionId]: _id, ...otherMeta } = meta;
  const { _meta, ...rest } = params;
  return Object.keys(otherMeta).length === 0 ? rest : { ...rest, _meta: otherMeta };
}
