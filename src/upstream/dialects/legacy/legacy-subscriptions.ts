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

/** Sends a request of the connection's own. */
type Send = (method: string, params: JsonObject) => Promise<Outcome>;

/** The listeners of one legacy session: one subscription per resource, however many listen to it. */
export class LegacySubscriptions {
  private readonly listeners = new Set<Listener>();
  private readonly resources = new Map<string, Subscribed>();

  constructor(
    private readonly capabilities: JsonObject,
    private readonly send: Send,
  ) {}

  /** Rejects with the server's refusal when nothing of the filter is left. */
  async listen(filter: ChangeFilter, onChange: (notification: McpNotification) => void): Promise<Listening> {
    const early: McpNotification[] = [];
    const listener = { filter: this.offered(filter), onChange: (change: McpNotification) => void early.push(change) };
    this.listeners.add(listener);
    const { uris, refused } = await this.subscribeAll(listener.filter.resourceSubscriptions ?? []);
    const honoured = { ...listener.filter, resourceSubscriptions: uris };
    this.listeners.delete(listener);
    const [first] = refused;
    if (first && isEmpty(honoured)) throw thrown(first.refusal);
    const heard = { filter: honoured, onChange };
    this.listeners.add(heard);
    for (const change of early) if (wants(honoured, change)) onChange(change);
    const listening = { honoured: uris.length > 0 ? honoured : withoutResources(honoured), refused };
    return { ...listening, close: () => this.leave(heard) };
  }

  /** A test for what nobody listens to at this moment. */
  unheardOf(filter: ChangeFilter): (change: McpNotification) => boolean {
    const others = [...this.listeners];
    const unheard = missedBy(filter).filter((change) => !others.some((other) => wants(other.filter, change)));
    const keys = new Set(unheard.map(keyOf));
    return (change) => keys.has(keyOf(change));
  }

  changed(notification: McpNotification): void {
    for (const listener of this.listeners) if (wants(listener.filter, notification)) listener.onChange(notification);
  }

  missedChanges(): void {
    for (const listener of this.listeners) for (const change of missedBy(listener.filter)) listener.onChange(change);
  }

  private async leave(listener: Listener): Promise<void> {
    if (!this.listeners.delete(listener)) return;
    await Promise.all((listener.filter.resourceSubscriptions ?? []).map((uri) => this.unsubscribe(uri)));
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
