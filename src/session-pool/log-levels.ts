import { LOG_LEVELS, type LogLevel, type McpNotification } from '#lib/mcp-protocol';
import type { UpstreamConnection } from '../upstream/index.js';

const severity = (level: unknown): number => LOG_LEVELS.indexOf(level as LogLevel);

/** True for a log message that is less severe than asked for. */
export function isBelow(notification: McpNotification, wanted: LogLevel): boolean {
  return notification.method === 'notifications/message' && severity(notification.params['level']) < severity(wanted);
}

/** Lowest level that was asked of each connection; a connection may serve several clients. */
const asked = new WeakMap<UpstreamConnection, LogLevel>();

/**
 * The level that a server is to speak at for a client that wants this one. A legacy server knows one level for the
 * whole connection, so it is the lowest that anybody wants; what is too chatty for others is filtered on its way to
 * them. A modern server is told with each request.
 */
export function levelAt(connection: UpstreamConnection, wanted: LogLevel): LogLevel {
  if (connection.profile.era === 'modern') return wanted;
  const before = asked.get(connection);
  if (before && severity(before) <= severity(wanted)) return before;
  asked.set(connection, wanted);
  return wanted;
}
