import type { RedisAddress } from './redis-address.js';
import type { RedisAccess, RedisTopology } from './redis.config.js';

/** A command without an answer within this time counts as lost. */
export const COMMAND_TIMEOUT_MS = 250;
/** Command timeout of ioredis itself, which also covers its internal commands. It ignores stalls of this process. */
const CLIENT_COMMAND_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 1_000;
/** A connection whose answer is overdue by this time is closed: the other end may have vanished silently. */
const SOCKET_TIMEOUT_MS = 1_500;
const KEEP_ALIVE_INTERVAL_MS = 5_000;
/** A closed connection that does not end within this time is destroyed. */
const DISCONNECT_TIMEOUT_MS = 250;
const MIN_RECONNECT_DELAY_MS = 25;
const MAX_RECONNECT_DELAY_MS = 500;

/** Returns the delay before the next attempt: short, and randomized so that workers do not reconnect at once. */
export function reconnectDelayMs(attempt: number): number {
  const pause = Math.min(MAX_RECONNECT_DELAY_MS, MIN_RECONNECT_DELAY_MS * 2 ** Math.min(attempt, 10));
  return Math.ceil(pause * (0.5 + Math.random() / 2));
}

/**
 * Options of every connection. No command is sent twice or queued: while Redis cannot be reached a command fails at
 * once, and a command whose answer was lost is never repeated implicitly.
 */
function commonOptions(access: RedisAccess) {
  const { username, password, database, tls } = access;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: { ...tls } }),
    db: database,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    commandTimeout: CLIENT_COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_INTERVAL_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    connectionName: 'isthmus',
    disableClientInfo: true,
  };
}

/** Options that select the server: the address, or the master that the Sentinels report. */
function serverOptions(place: Exclude<RedisTopology, { kind: 'cluster' }>, access: RedisAccess) {
  if (place.kind === 'single') return { ...place.address };
  const { tls } = access;
  return {
    sentinels: place.sentinels.map((sentinel) => ({ ...sentinel })),
    name: place.master,
    sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
    // The former master may keep serving for seconds after another was promoted.
    failoverDetector: true,
    ...(place.password === undefined ? {} : { sentinelPassword: place.password }),
    ...(tls === undefined ? {} : { sentinelTLS: { ...tls }, enableTLSForSentinelMode: true }),
  };
}

/** Options of a connection for commands, which reconnects by itself. */
export function commandOptions(place: Exclude<RedisTopology, { kind: 'cluster' }>, access: RedisAccess) {
  return {
    ...commonOptions(access),
    ...serverOptions(place, access),
    retryStrategy: reconnectDelayMs,
    sentinelRetryStrategy: reconnectDelayMs,
    // The master was demoted: query the Sentinels again.
    reconnectOnError: (error: Error) => error.message.includes('READONLY'),
  };
}

/** Options of connections to all cluster nodes. Only a command that a node declined is sent to another node. */
export function clusterOptions(access: RedisAccess) {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectDelayMs,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    maxRedirections: 4,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    slotsRefreshInterval: 5_000,
    redisOptions: commonOptions(access),
  };
}

/** Options of one connection of a subscriber, which retries by itself, possibly at another node. */
export function subscriberOptions(place: RedisTopology, access: RedisAccess, address: RedisAddress) {
  return {
    ...commonOptions(access),
    ...(place.kind === 'cluster' ? address : serverOptions(place, access)),
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
  };
}
