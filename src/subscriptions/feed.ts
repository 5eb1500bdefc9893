import {
  isResourceOrPart,
  LIST_FLAGS,
  listFlagOf,
  RESOURCE_UPDATED,
  type ListFlag,
  type McpNotification,
} from '#lib/mcp-protocol';
import type { UpstreamFace } from '../session-pool/index.js';
import { missedBy, type ChangeFilter } from '../upstream/index.js';
import type { Wanting } from './want.js';

/** One subscription to changes at one server, until it is closed. */
export interface Feed {
  /** The part of the requested filter that the server honours. */
  readonly honoured: ChangeFilter;
  /** False while the subscription is interrupted. */
  readonly isLive: boolean;
  /** Idempotent. */
  close(): void;
}

/** Receives a change. An update comes with the URI that was subscribed to, which may contain the changed resource. */
export type OnChange = (change: McpNotification, resource?: string) => void;

/** The subscribers that share one subscription at a server. */
export interface FeedHome {
  isServing(listener: FeedListener): boolean;
  grantedTo(listener: FeedListener): ChangeFilter;
  leave(listener: FeedListener): void;
}

/** Server and client of a subscriber, and how it reacts to an unreachable server. */
export interface ListenerTraits {
  /** Slug of the server. */
  readonly server: string;
  readonly face: UpstreamFace;
  /** True if the subscriber waits for a server that cannot be reached now. */
  readonly isPatient: boolean;
}

/** Receives the changes that it requested at one server, over a subscription that it may share with others. */
export class FeedListener implements Feed, Wanting {
  readonly lists: readonly ListFlag[];
  isClosed = false;
  wasServed = false;
  private wanted: ReadonlySet<string>;
  private home: FeedHome | undefined;
  private wake: (() => void) | undefined;

  constructor(
    readonly traits: ListenerTraits,
    filter: ChangeFilter,
    readonly onChange: OnChange,
    private readonly onClosed: (listener: FeedListener) => void = () => undefined,
  ) {
    this.lists = LIST_FLAGS.filter((flag) => filter[flag] === true);
    this.wanted = new Set(filter.resourceSubscriptions);
  }

  get resources(): ReadonlySet<string> {
    return this.wanted;
  }

  get honoured(): ChangeFilter {
    return this.home?.grantedTo(this) ?? {};
  }

  get isLive(): boolean {
    return this.home?.isServing(this) === true;
  }

  approach(home: FeedHome): void {
    this.home = home;
  }

  /**
   * Marks the subscriber as attached. It no longer requests resources that the server rejected on its first attachment.
   */
  enter(): void {
    if (!this.wasServed) this.wanted = new Set(this.honoured.resourceSubscriptions);
    this.wasServed = true;
  }

  /** Receives every change of the shared subscription and passes on those that this subscriber requested. */
  hear(change: McpNotification): void {
    if (this.isClosed) return;
    const flag = listFlagOf(change.method);
    if (flag && this.lists.includes(flag)) return this.onChange(change);
    const { uri } = change.params;
    const resource = change.method === RESOURCE_UPDATED && typeof uri === 'string' ? this.resourceOf(uri) : undefined;
    if (resource !== undefined) this.onChange(change, resource);
  }

  /** Reports everything as changed, because changes may have been missed. */
  tellOfEverything(): void {
    for (const change of missedBy(this.honoured)) this.hear(change);
  }

  /** Resolves after the given time in milliseconds, or as soon as the subscriber is closed. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.wake?.();
    this.home?.leave(this);
    this.onClosed(this);
  }

  /** Returns the subscribed resource that equals or contains the URI. */
  private resourceOf(uri: string): string | undefined {
    if (this.wanted.has(uri)) return uri;
    for (const whole of this.wanted) if (isResourceOrPart(uri, whole)) return whole;
    return undefined;
  }
}
