import cluster from 'node:cluster';
import { Logger } from '@nestjs/common';
import { loadConfig, LoadedConfig } from '#lib/config';
import { RedisConfig } from '#lib/redis';
import { SystemClock } from '#lib/time';
import { runGateway, runWorkers, toStartErrorText, type RunOptions } from '../bootstrap/index.js';
import { sendWorkerReport, waitForGreeting } from '../cluster/index.js';
import { GATEWAY_SETTINGS } from '../gateway-settings.js';
import { GatewayConfig } from '../gateway.config.js';
import { GatewayLogger, LoggingConfig } from '../logging/index.js';

/** How long a stopped gateway waits for its process to become idle, in milliseconds. */
const EXIT_TIMEOUT_MS = 500;

/**
 * Runs the gateway: one worker in this process, or several in processes of their own. `settings` override the environment.
 * `tokenCommand` is how a user issues a token.
 * @throws the error of a failed start
 */
export async function startGateway(settings: Readonly<Record<string, string>>, tokenCommand: string): Promise<void> {
  // The primary passes the options and its own decisions to the workers in their environment.
  if (cluster.isWorker) return startWorker({ variables: process.env, tokenCommand });
  const variables = { ...process.env, ...settings };
  const config = new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables);
  const { workers, host, port } = config.get(GatewayConfig);
  const logger = new GatewayLogger(config.get(LoggingConfig));
  if (workers === 1) return startSingleWorker({ variables, tokenCommand, logger }, logger);
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
async function startSingleWorker(options: RunOptions, logger: GatewayLogger): Promise<void> {
  logger.hold();
  try {
    const { greeting } = await runGateway(options, { onStopped: exitSoon, onFailed: onLost });
    print(greeting);
  } finally {
    logger.release();
  }
}

/** One of several: the primary prints the greeting. */
async function startWorker(options: RunOptions): Promise<void> {
  const { variables = {} } = options;
  try {
    const logger = new GatewayLogger(
      new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables).get(LoggingConfig),
    );
    logger.hold();
    const onStopped = (): void => {
      cluster.worker?.disconnect();
      exitSoon();
    };
    const callbacks = { onStopped, onFailed: onLost };
    const { greeting, isFirst } = await runGateway({ ...options, logger }, callbacks);
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
/** A library may still wait for a host that does not answer, such as the exporter of traces for its collector. */
const exitSoon = (): void => void new SystemClock().after(EXIT_TIMEOUT_MS, () => process.exit());
const print = (text: string): void => void process.stdout.write(text);
