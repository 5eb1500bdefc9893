import { isJsonObject, type JsonObject, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import { toMissedChanges, matchesFilter, type ChangeFilter } from '../../change-filter.js';
import type { UpstreamSubscription, RefusedResource } from '../../upstream-connection.js';
import { toOutcomeError } from '../../upstream.errors.js';

interface Subscriber {
  readonly filter: ChangeFilter;
  onChange(notification: McpNotification): void;
}

interface ResourceSubscription {
  subscriberCount: number;
  readonly ready: Promise<Outcome>;
}

/** Sends a request of the connection's own. */
type SendRequest = (method: string, params: JsonObject) => Promise<Outcome>;

/** The listeners of one legacy session: one subscription per resource, however many listen to it. */
export class LegacySubscriptions {
  private readonly subscribers = new Set<Subscriber>();
  private readonly resources = new Map<string, ResourceSubscription>();

  constructor(
    private readonly capabilities: JsonObject,
    private readonly send: SendRequest,
  ) {}

  /** Rejects with the server's refusal when nothing of the filter is left. */
  async addSubscriber(
    filter: ChangeFilter,
    onChange: (notification: McpNotification) => void,
  ): Promise<UpstreamSubscription> {
    const early: McpNotification[] = [];
    const listener = {
      filter: this.supportedPart(filter),
      onChange: (change: McpNotification) => void early.push(change),
    };
    this.subscribers.add(listener);
    const { uris, refused } = await this.subscribeAll(listener.filter.resourceSubscriptions ?? []);
    const honoured = { ...listener.filter, resourceSubscriptions: uris };
    this.subscribers.delete(listener);
    const [first] = refused;
    if (first && isEmpty(honoured)) throw toOutcomeError(first.refusal);
    const heard = { filter: honoured, onChange };
    this.subscribers.add(heard);
    for (const change of early) if (matchesFilter(honoured, change)) onChange(change);
    const listening = { honoured: uris.length > 0 ? honoured : withoutResources(honoured), refused };
    return { ...listening, close: () => this.removeSubscriber(heard) };
  }

  /** A test for what nobody listens to at this moment. */
  unobservedBy(filter: ChangeFilter): (change: McpNotification) => boolean {
    const others = [...this.subscribers];
    const unheard = toMissedChanges(filter).filter(
      (change) => !others.some((other) => matchesFilter(other.filter, change)),
    );
    const keys = new Set(unheard.map(keyOf));
    return (change) => keys.has(keyOf(change));
  }

  changed(notification: McpNotification): void {
    for (const listener of this.subscribers)
      if (matchesFilter(listener.filter, notification)) listener.onChange(notification);
  }

  missedChanges(): void {
    for (const listener of this.subscribers)
      for (const change of toMissedChanges(listener.filter)) listener.onChange(change);
  }

  private async removeSubscriber(listener: Subscriber): Promise<void> {
    if (!this.subscribers.delete(listener)) return;
    await Promise.all((listener.filter.resourceSubscriptions ?? []).map((uri) => this.unsubscribe(uri)));
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

  private async subscribeAll(asked: readonly string[]): Promise<{ uris: string[]; refused: RefusedResource[] }> {
    const outcomes = await Promise.all(asked.map(async (uri) => ({ uri, outcome: await this.subscribe(uri) })));
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
