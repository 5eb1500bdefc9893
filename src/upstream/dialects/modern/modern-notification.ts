import { META, metaOf, type McpNotification } from '#lib/mcp-protocol';

/** Notifications of legacy clients that have no meaning for a modern server. */
const LEGACY_NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/cancelled',
  'notifications/initialized',
  'notifications/progress',
  'notifications/roots/list_changed',
]);

/**
 * Serializes a client's notification for a modern server. Returns undefined for one that this era does not have. The revision in
 * `_meta` equals the header (basic/transports/streamable-http, Protocol Version Header).
 */
export function toNotificationText({ method, params }: McpNotification, revision: string): string | undefined {
  if (LEGACY_NOTIFICATIONS.has(method)) return undefined;
  const _meta = { ...metaOf(params), [META.protocolVersion]: revision };
  return JSON.stringify({ jsonrpc: '2.0', method, params: { ...params, _meta } });
}
