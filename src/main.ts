import cluster from 'node:cluster';
import { Logger } from '@nestjs/common';
import { loadConfig, LoadedConfig, type Variables } from '#lib/config';
import { RedisConfig } from '#lib/redis';
import { sendWorkerReport } from './cluster/index.js';
import { explain } from './faults.js';
import { GatewayLogger } from './gateway-logger.js';
import { GATEWAY_SETTINGS } from './gateway-settings.js';
import { GatewayConfig } from './gateway.config.js';
import { LoggingConfig } from './logging.config.js';
import { runGateway } from './run-gateway.js';
import { runWorkers } from './run-workers.js';
import { readArguments, USAGE } from './start-arguments.js';

async function start(): Promise<void> {
  const { help, settings } = readArguments(process.argv.slice(2));
  if (help) return print(`${USAGE}\n`);
  // The primary has put the flags, and what it decided itself, into the environment of its workers.
  if (cluster.isWorker) return startWorker(process.env);
  const variables = { ...process.env, ...settings };
  const config = new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables);
  const { workers, host, port } = config.get(GatewayConfig);
  const logger = new GatewayLogger(config.get(LoggingConfig));
  if (workers === 1) return startAlone(variables, logger);
  Logger.overrideLogger(logger);
  process.exitCode = await runWorkers({
    workers,
    host,
    port,
    hasRedis: config.get(RedisConfig).place !== undefined,
    isProduction: process.env['NODE_ENV'] === 'production',
    settings,
    onListening: print,
  });
}

/** Nothing that it logs comes before the greeting. */
async function startAlone(variables: Variables, logger: GatewayLogger): Promise<void> {
  logger.hold();
  try {
    const { greeting } = await runGateway(variables, { onLeft: () => {}, onLost }, logger);
    print(greeting);
  } finally {
    logger.release();
  }
}

/** One of several: the primary prints the greeting. */
async function startWorker(variables: Variables): Promise<void> {
  try {
    const logger = new GatewayLogger(
      new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables).get(LoggingConfig),
    );
    logger.hold();
    const ends = { onLeft: () => cluster.worker?.disconnect(), onLost };
    const { greeting, isFirst } = await runGateway(variables, ends, logger);
    await sendWorkerReport({ kind: 'listening', greeting, isFirst });
    logger.release();
  } catch (cause) {
    await sendWorkerReport({ kind: 'fault', text: explain(cause) });
    process.exit(1);
  }
}

/** Among several workers it would live on without a listener; whoever has started it starts another. */
const onLost = (): void => process.exit(1);
const print = (text: string): void => void process.stdout.write(text);

start().catch((cause: unknown) => {
  process.stderr.write(`${explain(cause)}\n`);
  process.exit(1);
});
