/** What a server may tell changes of: three lists, and resources by their URI (specification 2026: basic/patterns/subscriptions). */
import type { ListMethod } from './methods.js';

/** Each list by its flag in the filter of a subscription: what tells of its change, and how it is asked for. */
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

/** The list whose change a notification tells of, if it tells of one. */
export const toListFlag = (method: string): ListFlag | undefined => FLAGS.get(method);

/**
 * True for the resource itself, and for a part of it: an update may name a part of what was subscribed to
 * (specification: server/resources, Subscriptions).
 */
export function isResourceOrPart(uri: string, whole: string): boolean {
  if (!uri.startsWith(whole)) return false;
  return uri.length === whole.length || whole.endsWith('/') || '/?#'.includes(uri.charAt(whole.length));
}
