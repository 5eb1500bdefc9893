import {
  isResourceOrPart,
  LIST_FLAGS,
  readResourceUri,
  toListFlag,
  RESOURCE_UPDATED,
  type ListFlag,
  type McpNotification,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { ConnectionScope } from '../connections/index.js';
import { toMissedChanges, type ChangeFilter } from '../upstream/index.js';
import type { RequestedChanges } from './merged-filter.js';

/** One subscription to changes at one server, until it is closed. */
export interface SubscriptionHandle {
  /** The part of the requested filter that the server honours. */
  readonly honoured: ChangeFilter;
  /** False while the subscription is interrupted. */
  readonly isLive: boolean;
  /** Idempotent. */
  close(): void;
  /** Resolves after `close`; where a single session uses the subscription, once the server has removed its part. */
  whenRemoved(): Promise<void>;
}

/** Receives a change. An update comes with the URI that was subscribed to, which may contain the changed resource. */
export type OnChange = (change: McpNotification, resource?: string) => void;

/** The subscribers that share one subscription at a server. */
export interface SubscriberGroup {
  isAttached(subscriber: Subscriber): boolean;
  grantedFor(subscriber: Subscriber): ChangeFilter;
  /** Resolves as `SubscriptionHandle.whenRemoved` does. */
  detach(subscriber: Subscriber): Promise<void>;
}

/** Server and client of a subscriber, and how it reacts to an unreachable server. */
export interface SubscriberTraits {
  /** Slug of the server. */
  readonly server: string;
  readonly scope: ConnectionScope;
  /** True if the subscriber waits for a server that cannot be reached now. */
  readonly retriesUnreachable: boolean;
  /** True if the server could not be reached before, so that the lists of the client lack it. */
  readonly isMissing?: boolean;
}

/** Receives the changes that it requested at one server, over a subscription that it may share with others. */
export class Subscriber implements SubscriptionHandle, RequestedChanges {
  readonly lists: readonly ListFlag[];
  isClosed = false;
  wasAttached = false;
  /** True once everything was reported as changed. */
  hasReportedAll = false;
  private requestedResources: ReadonlySet<string>;
  /** Resources by their WHATWG form, where it differs from the URI. */
  private normalForms: ReadonlyMap<string, string> | undefined;
  private group: SubscriberGroup | undefined;
  private cancelPause: (() => void) | undefined;
  private removal: Promise<void> | undefined;

  constructor(
    readonly traits: SubscriberTraits,
    filter: ChangeFilter,
    readonly onChange: OnChange,
    private readonly clock: Clock,
    private readonly onClosed: (subscriber: Subscriber) => void = () => undefined,
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

  setGroup(group: SubscriberGroup): void {
    this.group = group;
  }

  /**
   * Marks the subscriber as attached. It no longer requests resources that the server rejected on its first attachment.
   */
  onAttached(): void {
    if (!this.wasAttached) this.requestedResources = new Set(this.honoured.resourceSubscriptions);
    this.wasAttached = true;
  }

  /** Receives every change of the shared subscription and passes on those that this subscriber requested. */
  receive(change: McpNotification): void {
    if (this.isClosed) return;
    const flag = toListFlag(change.method);
    if (flag && this.lists.includes(flag)) return this.onChange(change);
    const { uri } = change.params;
    const resource =
      change.method === RESOURCE_UPDATED && typeof uri === 'string' ? this.findSubscribed(uri) : undefined;
    if (resource === undefined) return;
    const isWhole = this.normalForms?.get(uri as string) === resource;
    this.onChange(isWhole ? { ...change, params: { ...change.params, uri: resource } } : change, resource);
  }

  /**
   * Reports everything as changed, because changes may have been missed. Lists count although the server does not announce
   * their changes: while it could not be reached, clients were given lists without it.
   */
  notifyAllChanged(): void {
    this.hasReportedAll = true;
    const lists = Object.fromEntries(this.lists.map((flag) => [flag, true] as const));
    for (const change of toMissedChanges({ ...this.honoured, ...lists })) this.receive(change);
  }

  /** Resolves after the given time in milliseconds, or as soon as the subscriber is closed. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancelTimer = this.clock.after(ms, resolve);
      this.cancelPause = () => {
        cancelTimer();
        resolve();
      };
    });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.cancelPause?.();
    this.removal = this.group?.detach(this);
    this.onClosed(this);
  }

  async whenRemoved(): Promise<void> {
    await this.removal;
  }

  /** Returns the subscribed resource that equals or contains the URI. A server may normalize the URIs that it subscribed to. */
  private findSubscribed(uri: string): string | undefined {
    if (this.requestedResources.has(uri)) return uri;
    for (const whole of this.requestedResources) if (isResourceOrPart(uri, whole)) return whole;
    this.normalForms ??= findNormalForms(this.requestedResources);
    for (const [normal, whole] of this.normalForms) {
      if (this.requestedResources.has(whole) && isResourceOrPart(uri, normal)) return whole;
    }
    return undefined;
  }
}

function findNormalForms(uris: ReadonlySet<string>): ReadonlyMap<string, string> {
  const forms = new Map<string, string>();
  for (const uri of uris) {
    const read = readResourceUri(uri);
    if (!('fault' in read) && read.normal !== uri) forms.set(read.normal, uri);
  }
  return forms;
}
