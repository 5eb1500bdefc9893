import { isLogLevel, type LogLevel } from '#lib/mcp-protocol';
import { severity } from '../session-pool/index.js';
import type { CallIdentity, UpstreamConnection, UpstreamRequest } from '../upstream/index.js';

interface ConnectionLogLevel {
  readonly level: LogLevel;
  /** The only client that has set a level. Undefined once there were several. */
  readonly onlyClient: string | undefined;
}

/** Lowest level requested on each connection; a connection may serve several clients. */
const connectionLevels = new WeakMap<UpstreamConnection, ConnectionLogLevel>();

/**
 * Returns the request with the log level for its connection. A legacy server has one level per connection, so it gets
 * the lowest level that any client requested, whether with a call or by `logging/setLevel`; messages below a client's
 * own level are filtered on the way to that client. A modern server receives the level with each request.
 */
export function withConnectionLogLevel(connection: UpstreamConnection, request: UpstreamRequest): UpstreamRequest {
  if (connection.profile.era === 'modern') return request;
  const { method, params, logLevel, asker } = request;
  if (method === 'logging/setLevel') {
    if (!isLogLevel(params['level'])) return request;
    return { ...request, params: { ...params, level: lowerLevel(connection, params['level'], asker, true) } };
  }
  return logLevel === undefined ? request : { ...request, logLevel: lowerLevel(connection, logLevel, asker, false) };
}

/** The only client of a connection may raise the level with `logging/setLevel`, but not with the level of a call. */
function lowerLevel(
  connection: UpstreamConnection,
  requested: LogLevel,
  asker: CallIdentity | undefined,
  isSet: boolean,
): LogLevel {
  const before = connectionLevels.get(connection);
  const onlyClient = before === undefined || before.onlyClient === asker?.client ? asker?.client : undefined;
  const mayRaise = before === undefined || (isSet && onlyClient !== undefined);
  const level = mayRaise || severity(requested) < severity(before.level) ? requested : before.level;
  connectionLevels.set(connection, { level, onlyClient });
  return level;
}
