import { LIST_FLAGS, type ListFlag, type Outcome } from '#lib/mcp-protocol';
import type { HeldConnection } from '../connections/index.js';
import type { ChangeFilter, UpstreamSubscription } from '../upstream/index.js';
import { toFilter, isSubset, MergedFilter, type RequestedChanges } from './merged-filter.js';

type Refusal = Extract<Outcome, { kind: 'error' }>;

/** One open subscription at a server, with the requested and the granted filter. */
export class MergedSubscription {
  private readonly granted: ReadonlySet<string>;
  private readonly refusals: ReadonlyMap<string, Refusal>;

  constructor(
    private readonly held: HeldConnection,
    private readonly listening: UpstreamSubscription,
    private readonly requested: MergedFilter,
  ) {
    this.granted = new Set(listening.honoured.resourceSubscriptions);
    this.refusals = new Map(listening.refused?.map(({ uri, refusal }) => [uri, refusal]));
  }

  /** Calls the listener once when the connection closed or its server was reconfigured. */
  onClosed(listener: () => void): void {
    this.held.onClosed(listener);
  }

  /**
   * True if the subscriber needs no larger subscription. A list that the server did not grant counts as covered,
   * because a new request would not change that; a resource that it did not grant may exist by now.
   */
  covers(requested: RequestedChanges): boolean {
    return this.requested.includesLists(requested) && isSubset(requested.resources, this.granted);
  }

  grantedFor({ lists, resources }: RequestedChanges): ChangeFilter {
    const { honoured } = this.listening;
    return toFilter(
      lists.filter((flag) => honoured[flag] === true),
      [...resources].filter((uri) => this.granted.has(uri)),
    );
  }

  /** Returns the granted lists that the previous subscription, if any, did not grant. */
  addedLists(before: MergedSubscription | undefined): ListFlag[] {
    return LIST_FLAGS.filter((flag) => this.listening.honoured[flag] && before?.listening.honoured[flag] !== true);
  }

  /** Returns the server's own error for a subscriber that was granted nothing. */
  refusalOf(requested: RequestedChanges): Refusal | undefined {
    if (this.refusals.size === 0 || Object.keys(this.grantedFor(requested)).length > 0) return undefined;
    for (const uri of requested.resources) {
      const refusal = this.refusals.get(uri);
      if (refusal) return refusal;
    }
    return undefined;
  }

  /** True if the server granted resources that none of the subscribers requests. */
  exceeds(subscribers: Iterable<RequestedChanges>): boolean {
    return !new MergedFilter(subscribers).includesResources(this.granted);
  }

  /** Resolves once the server has removed the subscription, or cannot be asked to. */
  end(): Promise<void> {
    return this.listening
      .close()
      .catch(() => undefined)
      .finally(() => this.held.release());
  }
}
