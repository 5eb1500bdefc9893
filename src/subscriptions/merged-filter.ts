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

  constructor(listeners: Iterable<RequestedChanges>) {
    for (const { lists, resources } of listeners) {
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

  includes(wanting: RequestedChanges): boolean {
    return this.includesLists(wanting) && isSubset(wanting.resources, this.resources);
  }

  includesResources(uris: Iterable<string>): boolean {
    return isSubset(uris, this.resources);
  }
}

export function toFilter(lists: Iterable<ListFlag>, uris: Iterable<string>): ChangeFilter {
  const wanted = new Set(lists);
  const resourceSubscriptions = [...uris];
  return {
    ...Object.fromEntries(LIST_FLAGS.filter((flag) => wanted.has(flag)).map((flag) => [flag, true] as const)),
    ...(resourceSubscriptions.length > 0 && { resourceSubscriptions }),
  };
}

export function isSubset(some: Iterable<string>, all: ReadonlySet<string>): boolean {
  for (const one of some) if (!all.has(one)) return false;
  return true;
}
