/**
 * Changes that a server may announce: of three lists, and of resources by URI (specification 2026:
 * basic/patterns/subscriptions).
 */
import type { ListMethod } from './methods.js';

/**
 * The lists by their flag in the filter of a subscription: the notification of a change, and the methods that read
 * them.
 */
export const LIST_CHANGES = {
  toolsListChanged: { notification: 'notifications/tools/list_changed', lists: ['tools/list'] },
  promptsListChanged: { notification: 'notifications/prompts/list_changed', lists: ['prompts/list'] },
  resourcesListChanged: {
    notification: 'notifications/resources/list_changed',
    lists: ['resources/list', 'resources/templates/list'],
  },
} as const satisfies Record<string, { notification: string; lists: readonly ListMethod[] }>;

export type ListFlag = keyof typeof LIST_CHANGES;

export const LIST_FLAGS = Object.keys(LIST_CHANGES) as readonly ListFlag[];

export const RESOURCE_UPDATED = 'notifications/resources/updated';

const FLAGS: ReadonlyMap<string, ListFlag> = new Map(LIST_FLAGS.map((flag) => [LIST_CHANGES[flag].notification, flag]));

/** Returns the flag of the list whose change a notification announces; undefined for other notifications. */
export const toListFlag = (method: string): ListFlag | undefined => FLAGS.get(method);

/**
 * True for the resource itself and for a part of it: an update may name a part of the subscribed resource
 * (specification: server/resources, Subscriptions).
 */
export function isResourceOrPart(uri: string, whole: string): boolean {
  if (!uri.startsWith(whole)) return false;
  return uri.length === whole.length || whole.endsWith('/') || '/?#'.includes(uri.charAt(whole.length));
}
