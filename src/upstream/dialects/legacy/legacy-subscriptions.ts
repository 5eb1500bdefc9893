import { isJsonObject, type JsonObject, type McpNotification, type Outcome } from '#lib/mcp-protocol';
import { missedBy, wants, type ChangeFilter } from '../../change-filter.js';
import type { Listening, RefusedResource } from '../../upstream-connection.js';
import { thrown } from '../../upstream.errors.js';

interface Listener {
  readonly filter: ChangeFilter;
  onChange(notification: McpNotification): void;
}

interface Subscribed {
  listeners: number;
  readonly ready: Promise<Outcome>;
}

/** Sends a request on behalf of the gateway. */
type Send = (method: string, params: JsonObject) => Promise<Outcome>;

/** The subscribers of one legacy session: one upstream subscription per resource, for any number of subscribers. */
export class LegacySubscriptions {
  private readonly listeners = new Set<Listener>();
  private readonly resources = new Map<string, Subscribed>();

  constructor(
    private readonly capabilities: JsonObject,
    private readonly send: Send,
  ) {}

  /** Rejects with the server's error when the server accepts no part of the filter. */
  async listen(filter: ChangeFilter, onChange: (notification: McpNotification) => void): Promise<Listening> {
    const early: McpNotification[] = [];
    // Buffers changes until the server has answered all subscriptions.
    const buffering = { filter: this.offered(filter), onChange: (change: McpNotification) => void early.push(change) };
    this.listeners.add(buffering);
    const { uris, refused } = await this.subscribeAll(buffering.filter.resourceSubscriptions ?? []);
    const honoured = { ...buffering.filter, resourceSubscriptions: uris };
    this.listeners.delete(buffering);
    const [first] = refused;
    if (first && isEmpty(honoured)) throw thrown(first.refusal);
    const subscriber = { filter: honoured, onChange };
    this.listeners.add(subscriber);
    for (const change of early) if (wants(honoured, change)) onChange(change);
    const granted = { honoured: uris.length > 0 ? honoured : withoutResources(honoured), refused };
    return { ...granted, close: () => this.leave(subscriber) };
  }

  /** Returns a predicate for the changes of the filter that no current subscriber observes. */
  unheardOf(filter: ChangeFilter): (change: McpNotification) => boolean {
    const others = [...this.listeners];
    const unobserved = missedBy(filter).filter((change) => !others.some((other) => wants(other.filter, change)));
    const keys = new Set(unobserved.map(keyOf));
    return (change) => keys.has(keyOf(change));
  }

  changed(notification: McpNotification): void {
    for (const subscriber of this.listeners) {
      if (wants(subscriber.filter, notification)) subscriber.onChange(notification);
    }
  }

  missedChanges(): void {
    for (const subscriber of this.listeners) {
      for (const change of missedBy(subscriber.filter)) subscriber.onChange(change);
    }
  }

  private async leave(subscriber: Listener): Promise<void> {
    if (!this.listeners.delete(subscriber)) return;
    await Promise.all((subscriber.filter.resourceSubscriptions ?? []).map((uri) => this.unsubscribe(uri)));
  }

  private offered(filter: ChangeFilter): ChangeFilter {
    const { toolsListChanged, promptsListChanged, resourcesListChanged, resourceSubscriptions = [] } = filter;
    return {
      ...(toolsListChanged === true && this.offers('tools', 'listChanged') && { toolsListChanged }),
      ...(promptsListChanged === true && this.offers('prompts', 'listChanged') && { promptsListChanged }),
      ...(resourcesListChanged === true && this.offers('resources', 'listChanged') && { resourcesListChanged }),
      resourceSubscriptions: this.offers('resources', 'subscribe') ? [...new Set(resourceSubscriptions)] : [],
    };
  }

  private offers(family: string, ability: string): boolean {
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
      subscribed = { listeners: 0, ready: this.send('resources/subscribe', { uri }) };
      this.resources.set(uri, subscribed);
    }
    subscribed.listeners++;
    const outcome = await subscribed.ready;
    if (outcome.kind === 'error' && this.resources.get(uri) === subscribed) this.resources.delete(uri);
    return outcome;
  }

  private async unsubscribe(uri: string): Promise<void> {
    const subscribed = this.resources.get(uri);
    if (subscribed === undefined || --subscribed.listeners > 0) return;
    this.resources.delete(uri);
    await this.send('resources/unsubscribe', { uri });
  }
}

const keyOf = ({ method, params }: McpNotification): string => JSON.stringify([method, params['uri']]);

function isEmpty(filter: ChangeFilter): boolean {
  return missedBy(filter).length === 0;
}

function withoutResources({ resourceSubscriptions: _none, ...rest }: ChangeFilter): ChangeFilter {
  return rest;
}
