import { LIST_FLAGS, type ListFlag } from '#lib/mcp-protocol';
import type { ChangeFilter } from '../upstream/index.js';

/** The lists and resources whose changes a subscriber requested. */
export interface Wanting {
  readonly lists: readonly ListFlag[];
  readonly resources: ReadonlySet<string>;
}

/** The union of the filters of several subscribers. */
export class Want {
  private readonly lists = new Set<ListFlag>();
  private readonly resources = new Set<string>();

  constructor(listeners: Iterable<Wanting>) {
    for (const { lists, resources } of listeners) {
      for (const flag of lists) this.lists.add(flag);
      for (const uri of resources) this.resources.add(uri);
    }
  }

  get filter(): ChangeFilter {
    return filterOf(this.lists, this.resources);
  }

  includesLists({ lists }: Wanting): boolean {
    return lists.every((flag) => this.lists.has(flag));
  }

  includes(wanting: Wanting): boolean {
    return this.includesLists(wanting) && isWithin(wanting.resources, this.resources);
  }

  includesResources(uris: Iterable<string>): boolean {
    return isWithin(uris, this.resources);
  }
}

export function filterOf(lists: Iterable<ListFlag>, uris: Iterable<string>): ChangeFilter {
  const wanted = new Set(lists);
  const resourceSubscriptions = [...uris];
  return {
    ...Object.fromEntries(LIST_FLAGS.filter((flag) => wanted.has(flag)).map((flag) => [flag, true] as const)),
    ...(resourceSubscriptions.length > 0 && { resourceSubscriptions }),
  };
}

export function isWithin(some: Iterable<string>, all: ReadonlySet<string>): boolean {
  for (const one of some) if (!all.has(one)) return false;
  return true;
}
