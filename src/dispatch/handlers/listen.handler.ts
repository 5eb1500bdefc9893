import { isDeepStrictEqual } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import {
  isJsonObject,
  LIST_CHANGES,
  LIST_FLAGS,
  RESOURCE_UPDATED,
  result,
  type ListFlag,
  type McpNotification,
  type Outcome,
} from '#lib/mcp-protocol';
import { EndpointDirectory, publicUri, publishNotification, targetOfUri } from '../../catalog/index.js';
import type { ServerDefinition } from '../../registry/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { ChangeFeeds, type Feed } from '../../subscriptions/index.js';
import type { ChangeFilter } from '../../upstream/index.js';
import { Items } from '../../items/index.js';
import { ChangeStream } from '../change-stream.js';
import { DispatchConfig } from '../dispatch.config.js';
import { invalidParams, noAnswerInTime } from '../dispatch.errors.js';
import { MethodHandler, type Inbound } from '../inbound.js';
import { Patience } from '../patience.js';
import { VisibleLists } from '../visible-lists.js';

/** Maximum number of resources in the filter of one request. */
const MOST_RESOURCES = 1_000;

/** The result of the subscription at one server. A late server is attached once it has answered. */
type Attempt = { readonly server: ServerDefinition } & (
  { readonly feed: Feed } | { readonly failed: unknown } | { readonly late: true }
);

/** A listening client and its filter at each server. */
interface Listening {
  readonly inbound: Inbound;
  readonly wanted: ChangeFilter;
  readonly stream: ChangeStream;
  /** The current upstream filter by server slug. */
  readonly asked: Map<string, ChangeFilter>;
}

type Opened = Extract<Attempt, { feed: Feed }>;

/** Serves a modern client's subscription until the client disconnects (specification 2026: basic/patterns/subscriptions). */
@Injectable()
export class ListenHandler extends MethodHandler {
  readonly methods = ['subscriptions/listen'];
  private readonly logger = new Logger(ListenHandler.name);
  private readonly patience: Patience;

  constructor(
    private readonly feeds: ChangeFeeds,
    private readonly endpoints: EndpointDirectory,
    private readonly views: VisibleLists,
    private readonly items: Items,
    config: DispatchConfig,
  ) {
    super();
    this.patience = new Patience(config.listPatienceMs);
  }

  async handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const wanted = readFilter(inbound.request.params['notifications']);
    if (typeof wanted === 'string') return invalidParams(wanted);
    const { caller, client, endpoint } = inbound;
    const lists = LIST_FLAGS.filter((flag) => wanted[flag] === true);
    const view = this.views.open({ caller, client, endpoint: endpoint.id }, lists);
    const stream = new ChangeStream(sink, view);
    const listening: Listening = { inbound, wanted, stream, asked: new Map() };
    const stopWatching = this.watchEndpoint(listening);
    try {
      const attempts = await this.listen(listening);
      // The baseline is complete before the acknowledgement, so a list fetched after it is never older than the baseline.
      await view.ready;
      const opened = attempts.filter((attempt): attempt is Opened => 'feed' in attempt);
      // Without any upstream subscription, an acknowledgement would look like a success.
      if (opened.length === 0 && attempts[0]) return failureOf(attempts[0]);
      await stream.acknowledge(honouredBy(opened, inbound, wanted));
      await aborted(signal);
      return result({});
    } finally {
      stopWatching();
      stream.close();
    }
  }

  /** Updates the upstream subscriptions when the servers, the selection or the caller's permissions at the endpoint change. */
  private watchEndpoint(listening: Listening) {
    const { inbound, stream, asked } = listening;
    return this.endpoints.onChange(inbound.endpoint.id, inbound.caller, (endpoint) => {
      for (const flag of LIST_FLAGS) stream.changed({ method: LIST_CHANGES[flag].told, params: {} });
      const servers = new Set(endpoint?.servers.map(({ slug }) => slug));
      for (const slug of asked.keys()) if (!servers.has(slug)) part(listening, slug);
      if (!endpoint) return;
      const now = { ...listening, inbound: { ...inbound, endpoint } };
      for (const server of endpoint.servers) void this.listenAnew(server, now);
    });
  }

  private async listenAnew(server: ServerDefinition, listening: Listening): Promise<void> {
    const before = listening.asked.get(server.slug);
    const filter = filterFor(listening, server, this.items);
    if (!filter) return part(listening, server.slug);
    if (isDeepStrictEqual(before, filter)) return;
    const attempt = await this.listenTo(server, filter, listening);
    if (!('feed' in attempt)) return;
    // A resource may have changed while it was not subscribed.
    const isNew = (uri: string) => !before?.resourceSubscriptions?.includes(uri);
    for (const own of attempt.feed.honoured.resourceSubscriptions?.filter(isNew) ?? []) {
      const uri = publicUri(listening.inbound.endpoint, server, own);
      listening.stream.changed({ method: RESOURCE_UPDATED, params: { uri } }, { resource: uri });
    }
  }

  private async listen(listening: Listening): Promise<Attempt[]> {
    const { endpoint } = listening.inbound;
    const attempts = endpoint.servers.map(async (server): Promise<Attempt[]> => {
      const filter = filterFor(listening, server, this.items);
      if (!filter) return [];
      const start = () => this.listenTo(server, filter, listening);
      if (endpoint.transparent) return [await start()];
      return [(await this.patience.wait(server.slug, start, (attempt) => 'feed' in attempt)) ?? { server, late: true }];
    });
    return (await Promise.all(attempts)).flat();
  }

  private async listenTo(
    server: ServerDefinition,
    filter: ChangeFilter,
    { inbound: { endpoint, caller, client }, stream, asked }: Listening,
  ): Promise<Attempt> {
    const scope = { caller, client, session: undefined };
    const onChange = (change: McpNotification, resource?: string) => {
      const shown = resource === undefined ? undefined : publicUri(endpoint, server, resource);
      stream.changed(publishNotification(endpoint, server, change), { server: server.slug, resource: shown });
    };
    asked.set(server.slug, filter);
    try {
      const feed = await this.feeds.open(server, scope, filter, onChange);
      if (asked.get(server.slug) === filter) stream.join(server.slug, feed);
      else feed.close();
      return { server, feed };
    } catch (failed) {
      this.logger.warn(`Failed to subscribe to changes of ${server.slug}: ${String(failed)}`);
      return { server, failed };
    }
  }
}

function part({ asked, stream }: Listening, server: string): void {
  asked.delete(server);
  stream.part(server);
}

/** Returns the requested filter, or an error message for a malformed one. */
function readFilter(value: unknown): ChangeFilter | string {
  if (!isJsonObject(value)) return 'params.notifications must be an object that names the requested notifications.';
  const uris = value['resourceSubscriptions'] ?? [];
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) {
    return 'params.notifications.resourceSubscriptions must be a list of URIs.';
  }
  const resourceSubscriptions = [...new Set(uris)];
  if (resourceSubscriptions.length > MOST_RESOURCES) return `params.notifications.resourceSubscriptions may hold at most ${MOST_RESOURCES} URIs.`;
  return {
    ...flagsOf((flag) => value[flag] === true),
    ...(resourceSubscriptions.length > 0 && { resourceSubscriptions }),
  };
}

function flagsOf(isSet: (flag: ListFlag) => boolean): ChangeFilter {
  return Object.fromEntries(LIST_FLAGS.filter(isSet).map((flag) => [flag, true] as const));
}

/** The part of the filter that applies to one server; undefined when no part does. */
function filterFor(
  { inbound: { endpoint }, wanted }: Pick<Listening, 'inbound' | 'wanted'>,
  server: ServerDefinition,
  items: Items,
): ChangeFilter | undefined {
  const own = (wanted.resourceSubscriptions ?? []).flatMap((uri) => {
    const target = targetOfUri(endpoint, uri);
    if (target?.server !== server || !endpoint.shows('resources', uri)) return [];
    return items.ownNameOf(server, 'resources', target.own) === undefined ? [] : [target.own];
  });
  const { resourceSubscriptions: _wanted, ...lists } = wanted;
  const filter: ChangeFilter = own.length > 0 ? { ...lists, resourceSubscriptions: own } : lists;
  return Object.keys(filter).length > 0 ? filter : undefined;
}

/** The honoured part of the filter, with public URIs. */
function honouredBy(opened: readonly Opened[], { endpoint }: Inbound, wanted: ChangeFilter): ChangeFilter {
  const resourceSubscriptions = (wanted.resourceSubscriptions ?? []).filter((uri) => {
    const target = targetOfUri(endpoint, uri);
    const attempt = opened.find(({ server }) => server === target?.server);
    return target && attempt?.feed.honoured.resourceSubscriptions?.includes(target.own);
  });
  const flags = flagsOf((flag) => opened.some(({ feed }) => feed.honoured[flag] === true));
  return { ...flags, ...(resourceSubscriptions.length > 0 && { resourceSubscriptions }) };
}

function failureOf(attempt: Attempt): Outcome {
  if ('failed' in attempt) throw attempt.failed;
  return noAnswerInTime(attempt.server.slug);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
