import type { JsonObject } from '#lib/mcp-protocol';
import type { AccessRequest, GuardedServer } from './access-policy.js';
import type { Caller } from './caller.js';
import { ContributionKind, type ContributionOptions } from './contribution.js';

/** An item of a server in the view of a caller: everything of an `AccessRequest` except arguments. Frozen. */
export type ViewedItem = Omit<AccessRequest, 'args'>;

/**
 * Hides items from callers, and describes them differently. What a filter hides does not exist for the caller: lists and change
 * notifications omit it, and calls, completions, reads and subscriptions are answered as for an unknown item. A filter only takes
 * away: it cannot show what the policies hide.
 */
export abstract class ListFilter {
  /**
   * Returns false if the filter neither hides nor describes an item of this server for this caller. Its items then keep what is
   * impossible where some may be hidden: unknown methods, tasks, and warnings about the list. Default: true.
   */
  concerns(_caller: Caller, _server: GuardedServer): boolean {
    return true;
  }

  /**
   * Decides about lists and calls alike, for every item of every list and for every call. Returns the same until the configuration
   * of the gateway changes. A filter of tools and prompts compares `shownName` as well, a filter of resources every form in `uri`.
   * If it throws, or returns no boolean, the item is hidden.
   */
  abstract hides(item: ViewedItem): boolean;

  /**
   * Returns how the item is listed, such as with another title, description or annotations.
   *
   * @param definition a copy of the item as its server lists it, under the name or URI without the gateway's prefix
   * @returns an object with the same `name`, `uri` or `uriTemplate`. Anything else, and an exception, omits the item from the list.
   * Calls are checked against the schema of the server, whatever the description says.
   */
  describe?(definition: JsonObject, item: ViewedItem): JsonObject;
}

export const LIST_FILTERS = new ContributionKind<ListFilter, ContributionOptions>('FiltersLists', ListFilter);

/** Marks a `ListFilter`. Each filter describes what the previous ones have described. */
export const FiltersLists = (options: ContributionOptions = {}): ClassDecorator => LIST_FILTERS.mark(options);
