import { LOG_LEVELS, type ClientProfile, type LogLevel, type McpNotification } from '#lib/mcp-protocol';
import type { UpstreamConnection } from '../upstream/index.js';

const severity = (level: unknown): number => LOG_LEVELS.indexOf(level as LogLevel);

/** True for a log message that is less severe than asked for. */
export function isBelow(notification: McpNotification, wanted: LogLevel): boolean {
  return notification.method === 'notifications/message' && severity(notification.params['level']) < severity(wanted);
}

/** Lowest level that was asked of each connection; a connection may serve several clients. */
const asked = new WeakMap<UpstreamConnection, LogLevel>();

/**
 * Makes a legacy server speak at least at the level that a client wants. What is too chatty for others is filtered on
 * its way to them. A modern server is told with each request.
 */
export async function ensureLogLevel(
  connection: UpstreamConnection,
  level: LogLevel | undefined,
  client: ClientProfile,
): Promise<void> {
  if (!level || connection.profile.era === 'modern' || !connection.profile.capabilities['logging']) return;
  const before = asked.get(connection);
  if (before && severity(before) <= severity(level)) return;
  asked.set(connection, level);
  const request = { method: 'logging/setLevel', params: { level }, client };
  await connection.request(request, SILENT_REPLY, new AbortController().signal);
}

const SILENT_REPLY = {
  notify: () => undefined,
  ask: () => Promise.resolve({ error: { code: -32601, message: 'Nobody can be asked here.' } }),
};
