import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { SystemClock } from '#lib/time';
import { ClusterFault, NodeClusterLauncher, WorkerSupervisor } from '../cluster/index.js';
import { EmbeddedRedis } from '../embedded-redis/index.js';

const REDIS_REQUIRED =
  'Several workers require a shared Redis. With NODE_ENV=production no Valkey is embedded, because its data would be lost ' +
  'with the process. Set ISTHMUS_REDIS_URL (or ISTHMUS_REDIS_SENTINELS, ISTHMUS_REDIS_CLUSTER), or use one worker.';

const logger = new Logger('Gateway');

export interface WorkersOptions {
  readonly workers: number;
  readonly host: string;
  /** 0 selects a free port, which all workers share. */
  readonly port: number;
  /** True when the settings configure a Redis. */
  readonly hasRedis: boolean;
  readonly isProduction: boolean;
  /** Settings from flags, for the environment of the workers. */
  readonly settings: Readonly<Record<string, string>>;
  /** Called once, when all workers listen. */
  onListening(greeting: string): void;
}

/**
 * Runs the primary process of several workers until the last worker has exited. Returns the exit code.
 * @throws ClusterFault without a Redis in production, or when no worker can start; EmbeddedRedisFault
 */
export async function runWorkers(order: WorkersOptions): Promise<number> {
  if (!order.hasRedis && order.isProduction) throw new ClusterFault(REDIS_REQUIRED);
  const redis = order.hasRedis ? undefined : await startEmbeddedRedis();
  try {
    const clock = new SystemClock();
    const variables = {
      ...order.settings,
      // Selected here and not by the first listening worker: after a moment without workers the port would change.
      ISTHMUS_PORT: String(order.port === 0 ? await freePort(order.host) : order.port),
      ...(redis && { ISTHMUS_REDIS_URL: redis.url }),
    };
    const launcher = new NodeClusterLauncher(variables, clock);
    const supervisor = new WorkerSupervisor(launcher, order.workers, clock);
    handleSignals(supervisor);
    let isRedisLost = false;
    void redis?.crashed.then(() => {
      isRedisLost = true;
      logger.error('The embedded Valkey exited unexpectedly; the workers shut down.');
      supervisor.stop();
    });
    const greeting = await Promise.race([supervisor.start(), supervisor.stopped]);
    if (typeof greeting === 'string') order.onListening(greeting);
    supervisor.confirmGreeting();
    const exitCode = await supervisor.stopped;
    return isRedisLost ? 1 : exitCode;
  } finally {
    await redis?.stop();
  }
}

async function startEmbeddedRedis(): Promise<EmbeddedRedis> {
  const redis = await EmbeddedRedis.start();
  // Written past the log and its level: this set-up must not be mistaken for an installation.
  process.stderr.write(
    '\n*** No Redis is configured: the workers share an embedded Valkey. Use this for development only: its data is lost\n' +
      '*** when it stops. Set ISTHMUS_REDIS_URL to use your own Redis.\n\n',
  );
  return redis;
}

function handleSignals(supervisor: WorkerSupervisor): void {
  process.on('SIGTERM', () => supervisor.stop());
  process.on('SIGINT', () => supervisor.stop());
  process.on('SIGHUP', () => supervisor.reload());
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
