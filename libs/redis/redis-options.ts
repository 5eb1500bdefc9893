import type { RedisAddress } from './redis-address.js';
import type { RedisAccess, RedisTopology } from './redis.config.js';

/** After so long without an answer a command counts as lost. */
export const COMMAND_TIMEOUT_MS = 250;
/** What ioredis waits for, which watches commands of its own too, and cannot tell a busy process from a silent Redis. */
const CLIENT_COMMAND_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 1_000;
/** A connection on which an answer is due for so long is given up: the other end may be gone without a word. */
const SOCKET_TIMEOUT_MS = 1_500;
const KEEP_ALIVE_INTERVAL_MS = 5_000;
/** A connection that is closed and does not end is cut after so long. */
const DISCONNECT_TIMEOUT_MS = 250;
const MIN_RECONNECT_DELAY_MS = 25;
const MAX_RECONNECT_DELAY_MS = 500;

/** How long to wait before the next attempt: never long, never all workers at once. */
export function reconnectDelayMs(attempt: number): number {
  const pause = Math.min(MAX_RECONNECT_DELAY_MS, MIN_RECONNECT_DELAY_MS * 2 ** Math.min(attempt, 10));
  return Math.ceil(pause * (0.5 + Math.random() / 2));
}

/**
 * What holds for every connection. Nothing is sent twice and nothing is kept for later: whoever asks learns at once
 * that Redis cannot be asked, and a command whose answer was lost is never repeated behind his back.
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

/** Where a connection leads: to the address, or to the master that the Sentinels name. */
function serverOptions(place: Exclude<RedisTopology, { kind: 'cluster' }>, access: RedisAccess) {
  if (place.kind === 'single') return { ...place.address };
  const { tls } = access;
  return {
    sentinels: place.sentinels.map((sentinel) => ({ ...sentinel })),
    name: place.master,
    sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
    // The master of before may go on serving for seconds after another took its place.
    failoverDetector: true,
    ...(place.password === undefined ? {} : { sentinelPassword: place.password }),
    ...(tls === undefined ? {} : { sentinelTLS: { ...tls }, enableTLSForSentinelMode: true }),
  };
}

/** A connection for commands, which comes back by itself. */
export function commandOptions(place: Exclude<RedisTopology, { kind: 'cluster' }>, access: RedisAccess) {
  return {
    ...commonOptions(access),
    ...serverOptions(place, access),
    retryStrategy: reconnectDelayMs,
    sentinelRetryStrategy: reconnectDelayMs,
    // A master that was demoted: ask again who is the master now.
    reconnectOnError: (error: Error) => error.message.includes('READONLY'),
  };
}

/** Connections to all nodes of a cluster. Only what a node refused to carry out is sent to another. */
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

/** One attempt at a connection that listens; whoever opens it tries again, at another node perhaps. */
export function subscriberOptions(place: RedisTopology, access: RedisAccess, address: RedisAddress) {
  return {
    ...commonOptions(access),
    commandTimeout: COMMAND_TIMEOUT_MS,
    ...(place.kind === 'cluster' ? address : serverOptions(place, access)),
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
  };
}
