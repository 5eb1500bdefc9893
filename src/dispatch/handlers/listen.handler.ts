import { isDeepStrictEqual } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import {
  LIST_CHANGES,
  LIST_FLAGS,
  RESOURCE_UPDATED,
  result,
  type McpNotification,
  type Outcome,
} from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { EndpointDirectory, publishNotification } from '../../catalog/index.js';
import type { ServerDefinition } from '../../registry/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { isRetriable, ServerSubscriptions, toOrigins, type SubscriptionHandle } from '../../subscriptions/index.js';
import type { ChangeFilter } from '../../upstream/index.js';
import { ItemGate } from '../../gate/index.js';
import {
  parseListenFilter,
  resolveResources,
  toHonouredFilter,
  toServerFilter,
  type ListenedResource,
} from '../listen-filter.js';
import { ChangeStream } from '../change-stream.js';
import { DispatchConfig } from '../dispatch.config.js';
import { invalidParams, upstreamTimedOut } from '../dispatch.errors.js';
import { MethodHandler, type Inbound } from '../inbound.js';
import { AdaptiveTimeout } from '../adaptive-timeout.js';
import { VisibleLists } from '../lists/index.js';

/** The result of the subscription at one server. A late server is attached once it has answered. */
type Attempt = { readonly server: ServerDefinition } & (
  { readonly subscription: SubscriptionHandle } | { readonly failed: unknown } | { readonly late: true }
);

/** A server that is subscribed to after this time, in milliseconds, may be missing from lists. */
const LATE_MS = 1_000;

/** A listening client and its filter at each server. */
interface Subscriber {
  readonly inbound: Inbound;
  readonly wanted: ChangeFilter;
  /** The requested resources that the caller may read at the endpoint. */
  readonly resources: readonly ListenedResource[];
  readonly stream: ChangeStream;
  /** The current upstream filter by server slug. */
  readonly requestedFilters: Map<string, ChangeFilter>;
}

type OpenedAttempt = Extract<Attempt, { subscription: SubscriptionHandle }>;

/** Serves a modern client's subscription until the client disconnects (specification 2026: basic/patterns/subscriptions). */
@Injectable()
export class ListenHandler extends MethodHandler {
  readonly methods = ['subscriptions/listen'];
  private readonly logger = new Logger(ListenHandler.name);
  private readonly adaptiveTimeout: AdaptiveTimeout;

  constructor(
    private readonly serverSubscriptions: ServerSubscriptions,
    private readonly endpoints: EndpointDirectory,
    private readonly views: VisibleLists,
    private readonly gate: ItemGate,
    config: DispatchConfig,
    private readonly clock: Clock,
  ) {
    super();
    this.adaptiveTimeout = new AdaptiveTimeout(config.listTimeoutMs, clock);
  }

  async handle(received: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const wanted = parseListenFilter(received.request.params['notifications']);
    if (typeof wanted === 'string') return invalidParams(wanted);
    const inbound = this.withCurrentEndpoint(received);
    const { caller, client, endpoint } = inbound;
    const resources = resolveResources(endpoint, wanted, this.gate);
    if (typeof resources === 'string') return invalidParams(resources);
    const lists = LIST_FLAGS.filter((flag) => wanted[flag] === true);
    const view = this.views.open({ caller, client, endpoint: endpoint.id }, lists);
    const stream = new ChangeStream(sink, view, this.clock);
    const listening: Subscriber = { inbound, wanted, resources, stream, requestedFilters: new Map() };
    const stopWatching = this.watchEndpoint(listening);
    try {
      const attempts = await this.subscribeToServers(listening);
      // The baseline is complete before the acknowledgement, so a list fetched after it is never older than the baseline.
      await view.ready;
      const opened = attempts.filter((attempt): attempt is OpenedAttempt => 'subscription' in attempt);
      // Without any upstream subscription, an acknowledgement would look like a success.
      if (opened.length === 0 && attempts[0]) return toFailure(attempts[0]);
      // The gateway announces the lists of a server that is missing now.
      const announced = opened.length < attempts.length ? wanted : undefined;
      await stream.acknowledge(toHonouredFilter(opened, resources, announced));
      await whenAborted(signal);
      return result({});
    } finally {
      stopWatching();
      stream.close();
    }
  }

  /** The endpoint may have changed since the request was admitted, and is watched only from now on. */
  private withCurrentEndpoint(inbound: Inbound): Inbound {
    const { caller, endpoint } = inbound;
    return { ...inbound, endpoint: this.endpoints.findFor(caller, endpoint.id) ?? { ...endpoint, servers: [] } };
  }

  /** Updates the upstream subscriptions when the servers, the selection or the caller's permissions at the endpoint change. */
  private watchEndpoint(listening: Subscriber) {
    const { inbound, stream, requestedFilters } = listening;
    const watch = this.endpoints.watch(inbound.endpoint.id, inbound, (endpoint, change) => {
      for (const origin of toOrigins(endpoint, change))
        for (const flag of LIST_FLAGS) stream.changed({ method: LIST_CHANGES[flag].notification, params: {} }, origin);
      const servers = new Set(endpoint?.servers.map(({ slug }) => slug));
      for (const slug of requestedFilters.keys()) if (!servers.has(slug)) unsubscribe(listening, slug);
      if (!endpoint) return;
      const resources = resolveResources(endpoint, listening.wanted, this.gate);
      if (typeof resources === 'string') return;
      const now = { ...listening, resources, inbound: { ...inbound, endpoint } };
      for (const server of endpoint.servers) void this.updateSubscription(server, now);
    });
    return watch.stop;
  }

  private async updateSubscription(server: ServerDefinition, listening: Subscriber): Promise<void> {
    const before = listening.requestedFilters.get(server.slug);
    const filter = toServerFilter(listening, server);
    if (!filter) return unsubscribe(listening, server.slug);
    if (isDeepStrictEqual(before, filter)) return;
    const attempt = await this.subscribeTo(server, filter, listening);
    if (!('subscription' in attempt)) return;
    // A resource may have changed while it was not subscribed.
    const isNew = (uri: string) => !before?.resourceSubscriptions?.includes(uri);
    const { honoured } = attempt.subscription;
    for (const { uri, own, server: holder } of listening.resources) {
      if (holder !== server || !isNew(own) || !honoured.resourceSubscriptions?.includes(own)) continue;
      listening.stream.changed({ method: RESOURCE_UPDATED, params: { uri } }, { resource: uri });
    }
  }

  private async subscribeToServers(listening: Subscriber): Promise<Attempt[]> {
    const { endpoint } = listening.inbound;
    const attempts = endpoint.servers.map(async (server): Promise<Attempt[]> => {
      const filter = toServerFilter(listening, server);
      if (!filter) return [];
      const start = () => this.subscribeTo(server, filter, listening);
      if (endpoint.transparent) return [await start()];
      return [
        (await this.adaptiveTimeout.run(server, start, (attempt) => 'subscription' in attempt)) ?? {
          server,
          late: true,
        },
      ];
    });
    return (await Promise.all(attempts)).flat();
  }

  private async subscribeTo(
    server: ServerDefinition,
    filter: ChangeFilter,
    { inbound: { endpoint, caller, client }, resources, stream, requestedFilters }: Subscriber,
  ): Promise<Attempt> {
    const scope = { caller, client, session: undefined };
    const spellings = Map.groupBy(resources, (resource) => (resource.server === server ? resource.own : undefined));
    const onChange = (change: McpNotification, own?: string) => {
      const published = publishNotification(endpoint, server, change);
      if (own === undefined) return stream.changed(published, { server: server.slug });
      const isWhole = change.params['uri'] === own;
      for (const { uri } of spellings.get(own) ?? [])
        stream.changed(isWhole ? withUri(published, uri) : published, { server: server.slug, resource: uri });
    };
    requestedFilters.set(server.slug, filter);
    const isCurrent = () => requestedFilters.get(server.slug) === filter;
    const startedAt = this.clock.monotonicNow();
    try {
      const subscription = await this.serverSubscriptions.subscribe(server, scope, filter, onChange);
      if (!isCurrent()) subscription.close();
      else {
        stream.attach(server.slug, subscription);
        if (this.clock.monotonicNow() - startedAt >= LATE_MS) announceLists(stream, server, filter);
      }
      return { server, subscription };
    } catch (failed) {
      this.logger.warn(`Failed to subscribe to changes of ${server.slug}: ${String(failed)}`);
      // Until it can be reached, the lists of the endpoint lack it.
      if (!endpoint.transparent && isCurrent() && isRetriable(failed))
        stream.attach(server.slug, this.serverSubscriptions.subscribeWithRetry(server, scope, filter, onChange, true));
      return { server, failed };
    }
  }
}

/** A server that was subscribed to late may be missing from the lists that the client has. */
function announceLists(stream: ChangeStream, server: ServerDefinition, filter: ChangeFilter): void {
  for (const flag of LIST_FLAGS)
    if (filter[flag]) stream.changed({ method: LIST_CHANGES[flag].notification, params: {} }, { server: server.slug });
}

function unsubscribe({ requestedFilters, stream }: Subscriber, server: string): void {
  requestedFilters.delete(server);
  stream.detach(server);
}

/** Names a resource as the client did. */
const withUri = ({ method, params }: McpNotification, uri: string): McpNotification => ({
  method,
  params: { ...params, uri },
});

function toFailure(attempt: Attempt): Outcome {
  if ('failed' in attempt) throw attempt.failed;
  return upstreamTimedOut(attempt.server.slug);
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
