import {
  isResourceOrPart,
  LIST_CHANGES,
  LIST_FLAGS,
  toListFlag,
  RESOURCE_UPDATED,
  type McpNotification,
} from '#lib/mcp-protocol';

/** The changes of which a subscriber wants to be notified (specification 2026: basic/patterns/subscriptions). */
export interface ChangeFilter {
  readonly toolsListChanged?: boolean;
  readonly promptsListChanged?: boolean;
  readonly resourcesListChanged?: boolean;
  readonly resourceSubscriptions?: readonly string[];
}

/** Returns true when the filter includes this change. */
export function matchesFilter(filter: ChangeFilter, { method, params: { uri } }: McpNotification): boolean {
  const flag = toListFlag(method);
  if (flag !== undefined) return filter[flag] === true;
  if (method !== RESOURCE_UPDATED || typeof uri !== 'string') return false;
  return filter.resourceSubscriptions?.some((subscribed) => isResourceOrPart(uri, subscribed)) === true;
}

/**
 * Returns the notifications for a subscriber that may have missed changes: everything in its filter may have changed.
 */
export function toMissedChanges(filter: ChangeFilter): McpNotification[] {
  const lists = LIST_FLAGS.filter((flag) => filter[flag] === true);
  const resources = filter.resourceSubscriptions ?? [];
  return [
    ...lists.map((flag) => ({ method: LIST_CHANGES[flag].notification, params: {} })),
    ...resources.map((uri) => ({ method: RESOURCE_UPDATED, params: { uri } })),
  ];
}
