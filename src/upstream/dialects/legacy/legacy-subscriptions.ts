import { isJsonObject, type JsonObject, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import { toMissedChanges, matchesFilter, type ChangeFilter } from '../../change-filter.js';
import type { UpstreamSubscription, RefusedResource } from '../../upstream-connection.js';
import { needsNewConnection, toOutcomeError } from '../../upstream.errors.js';
import { EarlyChanges } from './early-changes.js';

interface Subscriber {
  readonly filter: ChangeFilter;
  onChange(notification: McpNotification): void;
}

interface ResourceSubscription {
  subscriberCount: number;
  readonly ready: Promise<Outcome>;
}

/** Sends a request on behalf of the gateway. */
type SendRequest = (method: string, params: JsonObject) => Promise<Outcome>;

/** The subscribers of one legacy session: one upstream subscription per resource, for any number of subscribers. */
export class LegacySubscriptions {
  private readonly subscribers = new Set<Subscriber>();
  private readonly resources = new Map<string, ResourceSubscription>();

  constructor(
    private readonly capabilities: JsonObject,
    private readonly send: SendRequest,
  ) {}

  /** Rejects with the server's error when the server accepts no part of the filter, or its session has ended. */
  async addSubscriber(
    filter: ChangeFilter,
    onChange: (notification: McpNotification) => void,
  ): Promise<UpstreamSubscription> {
    const early = new EarlyChanges();
    // Buffers changes until the server has answered all subscriptions.
    const buffering = {
      filter: this.supportedPart(filter),
      onChange: (change: McpNotification) => early.add(change),
    };
    this.subscribers.add(buffering);
    const { uris, refused } = await this.subscribeAll(buffering.filter.resourceSubscriptions ?? []);
    const honoured = { ...buffering.filter, resourceSubscriptions: uris };
    this.subscribers.delete(buffering);
    const [first] = refused;
    const ended = refused.find(({ refusal }) => needsNewConnection(refusal));
    if (ended) throw toOutcomeError(ended.refusal);
    if (first && isEmpty(honoured)) throw toOutcomeError(first.refusal);
    const subscriber = { filter: honoured, onChange };
    this.subscribers.add(subscriber);
    for (const change of early.take(() => toMissedChanges(honoured)))
      if (matchesFilter(honoured, change)) onChange(change);
    const granted = { honoured: uris.length > 0 ? honoured : withoutResources(honoured), refused };
    return { ...granted, close: () => this.removeSubscriber(subscriber) };
  }

  /** Returns a predicate for the changes of the filter that no current subscriber observes. */
  unobservedBy(filter: ChangeFilter): (change: McpNotification) => boolean {
    const others = [...this.subscribers];
    const unobserved = toMissedChanges(filter).filter(
      (change) => !others.some((other) => matchesFilter(other.filter, change)),
    );
    const keys = new Set(unobserved.map(keyOf));
    return (change) => keys.has(keyOf(change));
  }

  changed(notification: McpNotification): void {
    for (const subscriber of this.subscribers) {
      if (matchesFilter(subscriber.filter, notification)) subscriber.onChange(notification);
    }
  }

  missedChanges(): void {
    for (const subscriber of this.subscribers) {
      for (const change of toMissedChanges(subscriber.filter)) subscriber.onChange(change);
    }
  }

  private async removeSubscriber(subscriber: Subscriber): Promise<void> {
    if (!this.subscribers.delete(subscriber)) return;
    await Promise.all((subscriber.filter.resourceSubscriptions ?? []).map((uri) => this.unsubscribe(uri)));
  }

  private supportedPart(filter: ChangeFilter): ChangeFilter {
    const { toolsListChanged, promptsListChanged, resourcesListChanged, resourceSubscriptions = [] } = filter;
    return {
      ...(toolsListChanged === true && this.isSupported('tools', 'listChanged') && { toolsListChanged }),
      ...(promptsListChanged === true && this.isSupported('prompts', 'listChanged') && { promptsListChanged }),
      ...(resourcesListChanged === true && this.isSupported('resources', 'listChanged') && { resourcesListChanged }),
      resourceSubscriptions: this.isSupported('resources', 'subscribe') ? [...new Set(resourceSubscriptions)] : [],
    };
  }

  private isSupported(family: string, ability: string): boolean {
    const declared = this.capabilities[family];
    return isJsonObject(declared) && declared[ability] === true;
  }

  private async subscribeAll(requested: readonly string[]): Promise<{ uris: string[]; refused: RefusedResource[] }> {
    const outcomes = await Promise.all(requested.map(async (uri) => ({ uri, outcome: await this.subscribe(uri) })));
    return {
      uris: outcomes.flatMap(({ uri, outcome }) => (outcome.kind === 'result' ? [uri] : [])),
      refused: outcomes.flatMap(({ uri, outcome }) => (outcome.kind === 'error' ? [{ uri, refusal: outcome }] : [])),
    };
  }

  private async subscribe(uri: string): Promise<Outcome> {
    let subscribed = this.resources.get(uri);
    if (subscribed === undefined) {
      subscribed = { subscriberCount: 0, ready: this.send('resources/subscribe', { uri }) };
      this.resources.set(uri, subscribed);
    }
    subscribed.subscriberCount++;
    const outcome = await subscribed.ready;
    if (outcome.kind === 'error' && this.resources.get(uri) === subscribed) this.resources.delete(uri);
    return outcome;
  }

  private async unsubscribe(uri: string): Promise<void> {
    const subscribed = this.resources.get(uri);
    if (subscribed === undefined || --subscribed.subscriberCount > 0) return;
    this.resources.delete(uri);
    await this.send('resources/unsubscribe', { uri });
  }
}

const keyOf = ({ method, params }: McpNotification): string => JSON.stringify([method, params['uri']]);

function isEmpty(filter: ChangeFilter): boolean {
  return toMissedChanges(filter).length === 0;
}

function withoutResources({ resourceSubscriptions: _none, ...rest }: ChangeFilter): ChangeFilter {
  return rest;
}
