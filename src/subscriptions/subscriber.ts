import {
  isResourceOrPart,
  LIST_FLAGS,
  listFlagOf,
  RESOURCE_UPDATED,
  type ListFlag,
  type McpNotification,
} from '#lib/mcp-protocol';
import type { ConnectionScope } from '../connections/index.js';
import { missedBy, type ChangeFilter } from '../upstream/index.js';
import type { RequestedChanges } from './merged-filter.js';

/** What one listener hears of one server, until it is closed. */
export interface SubscriptionHandle {
  /** What the server honours of what was asked for. */
  readonly honoured: ChangeFilter;
  /** False while the server is not heard. */
  readonly isLive: boolean;
  /** Idempotent. */
  close(): void;
}

/** Takes a change. An update comes with the resource as it was subscribed to, which may be the whole of what changed. */
export type OnChange = (change: McpNotification, resource?: string) => void;

/** Where a listener hears what it hears. */
export interface SubscriberGroup {
  isAttached(listener: Subscriber): boolean;
  grantedFor(listener: Subscriber): ChangeFilter;
  detach(listener: Subscriber): void;
}

/** On whose behalf, and how long a listener waits. */
export interface SubscriberTraits {
  /** Slug of the server. */
  readonly server: string;
  readonly scope: ConnectionScope;
  /** It waits for a server that cannot be reached now. */
  readonly retriesUnreachable: boolean;
}

/** One who listens to a server, together with others who may share the subscription. */
export class Subscriber implements SubscriptionHandle, RequestedChanges {
  readonly lists: readonly ListFlag[];
  isClosed = false;
  wasAttached = false;
  private requestedResources: ReadonlySet<string>;
  private group: SubscriberGroup | undefined;
  private cancelPause: (() => void) | undefined;

  constructor(
    readonly traits: SubscriberTraits,
    filter: ChangeFilter,
    readonly onChange: OnChange,
    private readonly onClosed: (listener: Subscriber) => void = () => undefined,
  ) {
    this.lists = LIST_FLAGS.filter((flag) => filter[flag] === true);
    this.requestedResources = new Set(filter.resourceSubscriptions);
  }

  get resources(): ReadonlySet<string> {
    return this.requestedResources;
  }

  get honoured(): ChangeFilter {
    return this.group?.grantedFor(this) ?? {};
  }

  get isLive(): boolean {
    return this.group?.isAttached(this) === true;
  }

  setGroup(home: SubscriberGroup): void {
    this.group = home;
  }

  /** It is served. What it was refused at first it does not want any more: nobody is asked for that on its behalf. */
  onAttached(): void {
    if (!this.wasAttached) this.requestedResources = new Set(this.honoured.resourceSubscriptions);
    this.wasAttached = true;
  }

  /** Something changed at the server, which may be of interest to others only. */
  receive(change: McpNotification): void {
    if (this.isClosed) return;
    const flag = listFlagOf(change.method);
    if (flag && this.lists.includes(flag)) return this.onChange(change);
    const { uri } = change.params;
    const resource =
      change.method === RESOURCE_UPDATED && typeof uri === 'string' ? this.findSubscribed(uri) : undefined;
    if (resource !== undefined) this.onChange(change, resource);
  }

  /** Changes may have gone unheard. */
  notifyAllChanged(): void {
    for (const change of missedBy(this.honoured)) this.receive(change);
  }

  /** Resolves after that time, and at once when it is closed meanwhile. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.cancelPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.cancelPause?.();
    this.group?.detach(this);
    this.onClosed(this);
  }

  /** What it subscribed to that the URI is, or is a part of. */
  private findSubscribed(uri: string): string | undefined {
    if (this.requestedResources.has(uri)) return uri;
    for (const whole of this.requestedResources) if (isResourceOrPart(uri, whole)) return whole;
    return undefined;
  }
}
