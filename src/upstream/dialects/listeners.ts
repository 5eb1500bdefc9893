import type { McpNotification } from '#lib/mcp-protocol';
import type { ChangeFilter } from '../upstream-connection.js';

export interface Listener {
  readonly filter: ChangeFilter;
  onChange(notification: McpNotification): void;
}

const FLAG_OF: Readonly<
  Record<string, 'toolsListChanged' | 'promptsListChanged' | 'resourcesListChanged' | undefined>
> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
};

/** True when the filter asks for this change. */
export function wants(filter: ChangeFilter, { method, params }: McpNotification): boolean {
  const flag = FLAG_OF[method];
  if (flag !== undefined) return filter[flag] === true;
  const uri = params['uri'];
  return (
    method === 'notifications/resources/updated' &&
    typeof uri === 'string' &&
    filter.resourceSubscriptions?.some((subscribed) => isPartOf(uri, subscribed)) === true
  );
}

/** What a listener has to be told when changes may have been missed: that everything it asked for may have changed. */
export function missedBy(filter: ChangeFilter): McpNotification[] {
  const lists: McpNotification[] = Object.entries(FLAG_OF).flatMap(([method, flag]) =>
    flag !== undefined && filter[flag] === true ? [{ method, params: {} }] : [],
  );
  const resources = filter.resourceSubscriptions ?? [];
  return [...lists, ...resources.map((uri) => ({ method: 'notifications/resources/updated', params: { uri } }))];
}

/** An update may name a part of the resource that was subscribed to (server/resources, Subscriptions). */
function isPartOf(uri: string, subscribed: string): boolean {
  if (!uri.startsWith(subscribed)) return false;
  return uri.length === subscribed.length || subscribed.endsWith('/') || '/?#'.includes(uri.charAt(subscribed.length));
}
