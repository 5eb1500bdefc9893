import { LIST_FLAGS, type ListFlag } from '#lib/mcp-protocol';
import type { ChangeFilter } from '../upstream/index.js';

/** The lists and resources whose changes a subscriber requested. */
export interface RequestedChanges {
  readonly lists: readonly ListFlag[];
  readonly resources: ReadonlySet<string>;
}

/** The union of the filters of several subscribers. */
export class MergedFilter {
  private readonly lists = new Set<ListFlag>();
  private readonly resources = new Set<string>();

  constructor(subscribers: Iterable<RequestedChanges>) {
    for (const { lists, resources } of subscribers) {
      for (const flag of lists) this.lists.add(flag);
      for (const uri of resources) this.resources.add(uri);
    }
  }

  get filter(): ChangeFilter {
    return toFilter(this.lists, this.resources);
  }

  includesLists({ lists }: RequestedChanges): boolean {
    return lists.every((flag) => this.lists.has(flag));
  }

  includes(requested: RequestedChanges): boolean {
    return this.includesLists(requested) && isSubset(requested.resources, this.resources);
  }

  includesResources(uris: Iterable<string>): boolean {
    return isSubset(uris, this.resources);
  }
}

export function toFilter(lists: Iterable<ListFlag>, uris: Iterable<string>): ChangeFilter {
  const flags = new Set(lists);
  const resourceSubscriptions = [...uris];
  return {
    ...Object.fromEntries(LIST_FLAGS.filter((flag) => flags.has(flag)).map((flag) => [flag, true] as const)),
    ...(resourceSubscriptions.length > 0 && { resourceSubscriptions }),
  };
}

export function isSubset(values: Iterable<string>, all: ReadonlySet<string>): boolean {
  for (const value of values) if (!all.has(value)) return false;
  return true;
}
