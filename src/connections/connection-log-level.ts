import { isLogLevel, type LogLevel } from '#lib/mcp-protocol';
import { severity } from '../session-pool/index.js';
import type { Asker, UpstreamConnection, UpstreamRequest } from '../upstream/index.js';

interface ConnectionLogLevel {
  readonly level: LogLevel;
  /** Undefined once there were several. */
  readonly onlyClient: string | undefined;
}

/** Lowest level that was asked of each connection; a connection may serve several clients. */
const connectionLevels = new WeakMap<UpstreamConnection, ConnectionLogLevel>();

/**
 * The request, with the level that a server is to speak at for a client that wants this one. A legacy server knows one
 * level for the whole connection, so it is the lowest that anybody wants, whether it is said with a call or set by a
 * session; what is too chatty for others is filtered on its way to them. A modern server is told with each request.
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

/** A client that was the only one so far may change its mind; calls of its own that still run keep the level low. */
function lowerLevel(
  connection: UpstreamConnection,
  wanted: LogLevel,
  asker: Asker | undefined,
  isSet: boolean,
): LogLevel {
  const before = connectionLevels.get(connection);
  const only = before === undefined || before.onlyClient === asker?.client ? asker?.client : undefined;
  const mayRaise = before === undefined || (isSet && only !== undefined);
  const level = mayRaise || severity(wanted) < severity(before.level) ? wanted : before.level;
  connectionLevels.set(connection, { level, onlyClient: only });
  return level;
}
