import { LOG_LEVELS, type LogLevel, type McpNotification } from '#lib/mcp-protocol';

/** Undefined and unknown levels are the least severe. */
export const severity = (level: unknown): number => LOG_LEVELS.indexOf(level as LogLevel);

/** True for a log message that is less severe than the given level. */
export function isBelowLevel(notification: McpNotification, requested: LogLevel): boolean {
  return (
    notification.method === 'notifications/message' && severity(notification.params['level']) < severity(requested)
  );
}
