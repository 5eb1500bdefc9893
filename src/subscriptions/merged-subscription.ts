import { LIST_FLAGS, type ListFlag, type Outcome } from '#lib/mcp-protocol';
import type { HeldConnection } from '../connections/index.js';
import type { ChangeFilter, Listening } from '../upstream/index.js';
import { toFilter, isSubset, MergedFilter, type RequestedChanges } from './merged-filter.js';

type Refusal = Extract<Outcome, { kind: 'error' }>;

/** One running subscription at a server: what was asked for, and what of it is granted. */
export class MergedSubscription {
  private readonly granted: ReadonlySet<string>;
  private readonly refusals: ReadonlyMap<string, Refusal>;

  constructor(
    private readonly held: HeldConnection,
    private readonly listening: Listening,
    private readonly requested: MergedFilter,
  ) {
    this.granted = new Set(listening.honoured.resourceSubscriptions);
    this.refusals = new Map(listening.refused?.map(({ uri, refusal }) => [uri, refusal]));
  }

  /** Calls back once when it has ended by itself. */
  onClosed(listener: () => void): void {
    this.held.onClosed(listener);
  }

  /**
   * True for who hears all that there is to hear without a further word to the server. A list that it does not tell of
   * is not asked for again; a resource may exist by now.
   */
  covers(wanting: RequestedChanges): boolean {
    return this.requested.includesLists(wanting) && isSubset(wanting.resources, this.granted);
  }

  grantedFor({ lists, resources }: RequestedChanges): ChangeFilter {
    const { honoured } = this.listening;
    return toFilter(
      lists.filter((flag) => honoured[flag] === true),
      [...resources].filter((uri) => this.granted.has(uri)),
    );
  }

  /** The lists that it tells of and that the one before did not, if there was one. */
  addedLists(before: MergedSubscription | undefined): ListFlag[] {
    return LIST_FLAGS.filter((flag) => this.listening.honoured[flag] && before?.listening.honoured[flag] !== true);
  }

  /** The server's own words to who is granted nothing. */
  refusalOf(wanting: RequestedChanges): Refusal | undefined {
    if (this.refusals.size === 0 || Object.keys(this.grantedFor(wanting)).length > 0) return undefined;
    for (const uri of wanting.resources) {
      const refusal = this.refusals.get(uri);
      if (refusal) return refusal;
    }
    return undefined;
  }

  /** True when the server tells of resources that none of them wants to hear of. */
  exceeds(listeners: Iterable<RequestedChanges>): boolean {
    return !new MergedFilter(listeners).includesResources(this.granted);
  }

  end(): void {
    void this.listening
      .close()
      .catch(() => undefined)
      .finally(() => this.held.release());
  }
}
