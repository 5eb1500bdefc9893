import cluster from 'node:cluster';
import { Logger } from '@nestjs/common';
import { loadConfig, LoadedConfig, type Variables } from '#lib/config';
import { RedisConfig } from '#lib/redis';
import { readArguments, runGateway, runWorkers, toStartErrorText, USAGE } from './bootstrap/index.js';
import { sendWorkerReport, waitForGreeting } from './cluster/index.js';
import { GATEWAY_SETTINGS } from './gateway-settings.js';
import { GatewayConfig } from './gateway.config.js';
import { GatewayLogger, LoggingConfig } from './logging/index.js';

async function start(): Promise<void> {
  const { help, settings } = readArguments(process.argv.slice(2));
  if (help) return print(`${USAGE}\n`);
  // The primary passes the flags and its own decisions to the workers in their environment.
  if (cluster.isWorker) return startWorker(process.env);
  const variables = { ...process.env, ...settings };
  const config = new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables);
  const { workers, host, port } = config.get(GatewayConfig);
  const logger = new GatewayLogger(config.get(LoggingConfig));
  if (workers === 1) return startSingleWorker(variables, logger);
  Logger.overrideLogger(logger);
  process.exitCode = await runWorkers({
    workers,
    host,
    port,
    hasRedis: config.get(RedisConfig).topology !== undefined,
    isProduction: process.env['NODE_ENV'] === 'production',
    settings,
    onListening: print,
  });
}

/** Prints the greeting before any log line. */
async function startSingleWorker(variables: Variables, logger: GatewayLogger): Promise<void> {
  logger.hold();
  try {
    const { greeting } = await runGateway(variables, { onStopped: () => {}, onFailed: onLost }, logger);
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
    const callbacks = { onStopped: () => cluster.worker?.disconnect(), onFailed: onLost };
    const { greeting, isFirst } = await runGateway(variables, callbacks, logger);
    const greeted = waitForGreeting();
    await sendWorkerReport({ kind: 'listening', greeting, isFirst });
    await greeted;
    logger.release();
  } catch (cause) {
    await sendWorkerReport({ kind: 'fault', text: toStartErrorText(cause) });
    process.exit(1);
  }
}

/** Without this, a worker would stay alive without listening. Its primary or process manager starts a new one. */
const onLost = (): void => process.exit(1);
const print = (text: string): void => void process.stdout.write(text);

start().catch((cause: unknown) => {
  process.stderr.write(`${toStartErrorText(cause)}\n`);
  process.exit(1);
});
