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

/** What one listener hears of one server, until it is closed. */
export interface Feed {
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
export interface FeedHome {
  isServing(listener: FeedListener): boolean;
  grantedTo(listener: FeedListener): ChangeFilter;
  leave(listener: FeedListener): void;
}

/** On whose behalf, and how long a listener waits. */
export interface ListenerTraits {
  /** Slug of the server. */
  readonly server: string;
  readonly face: UpstreamFace;
  /** It waits for a server that cannot be reached now. */
  readonly isPatient: boolean;
}

/** One who listens to a server, together with others who may share the subscription. */
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

  /** It is served. What it was refused at first it does not want any more: nobody is asked for that on its behalf. */
  enter(): void {
    if (!this.wasServed) this.wanted = new Set(this.honoured.resourceSubscriptions);
    this.wasServed = true;
  }

  /** Something changed at the server, which may be of interest to others only. */
  hear(change: McpNotification): void {
    if (this.isClosed) return;
    const flag = listFlagOf(change.method);
    if (flag && this.lists.includes(flag)) return this.onChange(change);
    const { uri } = change.params;
    const resource = change.method === RESOURCE_UPDATED && typeof uri === 'string' ? this.resourceOf(uri) : undefined;
    if (resource !== undefined) this.onChange(change, resource);
  }

  /** Changes may have gone unheard. */
  tellOfEverything(): void {
    for (const change of missedBy(this.honoured)) this.hear(change);
  }

  /** Resolves after that time, and at once when it is closed meanwhile. */
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

  /** What it subscribed to that the URI is, or is a part of. */
  private resourceOf(uri: string): string | undefined {
    if (this.wanted.has(uri)) return uri;
    for (const whole of this.wanted) if (isResourceOrPart(uri, whole)) return whole;
    return undefined;
  }
}
