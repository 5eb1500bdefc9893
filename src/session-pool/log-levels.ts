import { LOG_LEVELS, type LogLevel, type McpNotification } from '#lib/mcp-protocol';

/** Undefined and unknown levels are the least severe. */
export const severity = (level: unknown): number => LOG_LEVELS.indexOf(level as LogLevel);

/** True for a log message that is less severe than asked for. */
export function isBelowLevel(notification: McpNotification, wanted: LogLevel): boolean {
  return notification.method === 'notifications/message' && severity(notification.params['level']) < severity(wanted);
}
