import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { ClusterFault, NodeClusterLauncher, WorkerSupervisor } from './cluster/index.js';
import { EmbeddedRedis } from './embedded-redis/index.js';

const REDIS_REQUIRED =
  'Several workers need a Redis that they share, and NODE_ENV=production embeds none: its data would be gone with the ' +
  'process. Set ISTHMUS_REDIS_URL (or ISTHMUS_REDIS_SENTINELS, ISTHMUS_REDIS_CLUSTER), or start with one worker.';

const logger = new Logger('Gateway');

export interface WorkersOptions {
  readonly workers: number;
  readonly host: string;
  /** 0 takes a free one, which all workers share. */
  readonly port: number;
  /** The settings name a Redis. */
  readonly hasRedis: boolean;
  readonly isProduction: boolean;
  /** Settings of flags, for the environment of the workers. */
  readonly settings: Readonly<Record<string, string>>;
  /** Called once, when the workers listen. */
  onListening(greeting: string): void;
}

/**
 * Runs the primary of several workers until the last of them has ended. Returns the exit code.
 * @throws ClusterFault without a Redis in production, or when no worker can start; EmbeddedRedisFault
 */
export async function runWorkers(order: WorkersOptions): Promise<number> {
  if (!order.hasRedis && order.isProduction) throw new ClusterFault(REDIS_REQUIRED);
  const redis = order.hasRedis ? undefined : await startEmbeddedRedis();
  try {
    const launcher = new NodeClusterLauncher({
      ...order.settings,
      // Drawn here and not by the first who listens: after a moment without workers it would be another.
      ISTHMUS_PORT: String(order.port === 0 ? await freePort(order.host) : order.port),
      ...(redis && { ISTHMUS_REDIS_URL: redis.url }),
    });
    const crew = new WorkerSupervisor(launcher, order.workers);
    handleSignals(crew);
    let isRedisLost = false;
    void redis?.crashed.then(() => {
      isRedisLost = true;
      logger.error('The embedded Valkey has ended by itself; the workers leave.');
      crew.stop();
    });
    const greeting = await Promise.race([crew.start(), crew.stopped]);
    if (typeof greeting === 'string') order.onListening(greeting);
    const exitCode = await crew.stopped;
    return isRedisLost ? 1 : exitCode;
  } finally {
    await redis?.stop();
  }
}

async function startEmbeddedRedis(): Promise<EmbeddedRedis> {
  const redis = await EmbeddedRedis.start();
  // Past the log and its level: nobody shall take this for an installation.
  process.stderr.write(
    '\n*** No Redis is set: the workers share an embedded Valkey. For development only: what it holds is gone when it\n' +
      '*** stops. Set ISTHMUS_REDIS_URL to use a Redis of your own.\n\n',
  );
  return redis;
}

function handleSignals(crew: WorkerSupervisor): void {
  process.on('SIGTERM', () => crew.stop());
  process.on('SIGINT', () => crew.stop());
  process.on('SIGHUP', () => crew.reload());
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
