/** Messages of servers that no revision of the protocol defines: extensions of vendors, and those of later revisions. */
import { capabilityOfQuestion } from './methods.js';
import { isTaskMethod, isTaskNotification } from './tasks.js';

/** Notifications that servers send in either era, except those of tasks. */
const SERVER_NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/cancelled',
  'notifications/elicitation/complete',
  'notifications/message',
  'notifications/progress',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/subscriptions/acknowledged',
  'notifications/tools/list_changed',
]);

/** True if no revision of the protocol defines this notification of a server. */
export function isUnknownNotification(method: string): boolean {
  return !SERVER_NOTIFICATIONS.has(method) && !isTaskNotification(method);
}

/** True if no revision of the protocol defines this request of a server to its client. */
export function isUnknownQuestion(method: string): boolean {
  return capabilityOfQuestion(method) === undefined && method !== 'ping' && !isTaskMethod(method);
}
