import { Injectable, Logger } from '@nestjs/common';
import { isJsonObject, result, type JsonObject, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import { publishNotification, targetOfUri } from '../../catalog/index.js';
import type { ServerDefinition } from '../../registry/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { ChangeFeeds, Coalescer, type Feed } from '../../subscriptions/index.js';
import type { ChangeFilter } from '../../upstream/index.js';
import { invalidParams } from '../dispatch.errors.js';
import { MethodHandler, type Inbound } from '../inbound.js';

const LIST_FLAGS = ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const;

interface OpenedFeed {
  readonly server: ServerDefinition;
  readonly feed: Feed;
}

/** Keeps a modern client's stream of changes open until it leaves (specification 2026: basic/patterns/subscriptions). */
@Injectable()
export class ListenHandler extends MethodHandler {
  readonly methods = ['subscriptions/listen'];
  private readonly logger = new Logger(ListenHandler.name);

  constructor(private readonly feeds: ChangeFeeds) {
    super();
  }

  async handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const wanted = readFilter(inbound.request.params['notifications']);
    if (!wanted) return invalidParams('params.notifications must say what to listen for.');
    const held: McpNotification[] = [];
    let acknowledged = false;
    const send = (notification: McpNotification) => {
      if (acknowledged) void sink.emit({ kind: 'notification', notification });
      else held.push(notification);
    };
    const lists = new Coalescer(send);
    const opened = await this.openFeeds(inbound, wanted, send, lists);
    await sink.emit({ kind: 'notification', notification: acknowledgement(inbound, wanted, opened) });
    acknowledged = true;
    held.forEach(send);
    await aborted(signal);
    lists.close();
    for (const { feed } of opened) feed.close();
    return result({});
  }

  private async openFeeds(
    inbound: Inbound,
    wanted: ChangeFilter,
    send: (notification: McpNotification) => void,
    lists: Coalescer,
  ): Promise<OpenedFeed[]> {
    const { endpoint, caller, client } = inbound;
    const opening = endpoint.servers.map(async (server): Promise<OpenedFeed[]> => {
      const filter = filterFor(inbound, server, wanted);
      if (!filter) return [];
      try {
        const feed = await this.feeds.open(server, { caller, client, session: undefined }, filter, (notification) => {
          if (notification.method === 'notifications/resources/updated') {
            send(publishNotification(endpoint, server, notification));
          } else lists.add(notification);
        });
        return [{ server, feed }];
      } catch (cause) {
        this.logger.warn(`${server.slug} cannot be listened to: ${String(cause)}`);
        return [];
      }
    });
    return (await Promise.all(opening)).flat();
  }
}

function readFilter(value: unknown): ChangeFilter | undefined {
  if (!isJsonObject(value)) return undefined;
  const uris = value['resourceSubscriptions'] ?? [];
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) return undefined;
  const flags = LIST_FLAGS.filter((flag) => value[flag] === true).map((flag) => [flag, true]);
  return { ...Object.fromEntries(flags), ...(uris.length > 0 && { resourceSubscriptions: uris }) };
}

/** The part of the filter that concerns one server; undefined when nothing does. */
function filterFor({ endpoint }: Inbound, server: ServerDefinition, wanted: ChangeFilter): ChangeFilter | undefined {
  const own = (wanted.resourceSubscriptions ?? []).flatMap((uri) => {
    const target = targetOfUri(endpoint, uri);
    return target?.server === server && endpoint.shows('resources', uri) ? [target.own] : [];
  });
  const { resourceSubscriptions, ...lists } = wanted;
  const filter: ChangeFilter = own.length > 0 ? { ...lists, resourceSubscriptions: own } : lists;
  return Object.keys(filter).length > 0 ? filter : undefined;
}

/** States what is really honoured, in the client's names. */
function acknowledgement(inbound: Inbound, wanted: ChangeFilter, opened: readonly OpenedFeed[]): McpNotification {
  const honoured: JsonObject = {};
  for (const flag of LIST_FLAGS) if (opened.some(({ feed }) => feed.honoured[flag])) honoured[flag] = true;
  const uris = (wanted.resourceSubscriptions ?? []).filter((uri) => {
    const target = targetOfUri(inbound.endpoint, uri);
    const serving = opened.find(({ server }) => server === target?.server);
    return target && serving?.feed.honoured.resourceSubscriptions?.includes(target.own);
  });
  if (uris.length > 0) honoured['resourceSubscriptions'] = uris;
  return { method: 'notifications/subscriptions/acknowledged', params: { notifications: honoured } };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
