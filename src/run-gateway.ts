import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Variables } from '#lib/config';
import { TokenIssuer } from './auth/index.js';
import { createGateway } from './create-gateway.js';
import { DataFolder } from './data-folder/index.js';
import { Drain } from './drain/index.js';
import { GatewayConfig } from './gateway.config.js';
import { firstGreeting, laterGreeting, urlOf } from './greeting.js';
import { Readiness } from './health/index.js';
import { FileServerRegistry, publicExposureWarnings } from './registry/index.js';

const FIRST_TOKEN_SECONDS = 30 * 24 * 60 * 60;
/** Calls in flight have so long to finish when the gateway is told to leave. */
const DRAIN_DEADLINE_MS = 25_000;

const logger = new Logger('Gateway');

/** A gateway that listens. */
export interface RunningGateway {
  /** What to tell the person who started it. */
  readonly greeting: string;
  /** The greeting has a token, as the secrets were drawn by this very start. */
  readonly isFirst: boolean;
}

/**
 * Runs a whole gateway in this process, obeying its signals. `onLeft` is called once it was told to leave and has left.
 * @throws what `createGateway` throws, or the fault of listening
 */
export async function runGateway(variables: Variables, onLeft: () => void): Promise<RunningGateway> {
  const gateway = await createGateway({ variables });
  const { host, port } = gateway.get(GatewayConfig);
  await gateway.listen(port, host);
  obeySignals(gateway, onLeft);
  warnOfExposure(gateway.get(FileServerRegistry), host);
  return { greeting: await greeting(gateway, host), isFirst: gateway.get(DataFolder).firstStart };
}

function warnOfExposure(registry: FileServerRegistry, host: string): void {
  const warn = () => publicExposureWarnings(host, registry.snapshot).forEach((warning) => logger.warn(warning));
  warn();
  registry.onChange(warn);
}

async function greeting(gateway: NestFastifyApplication, host: string): Promise<string> {
  const { port } = gateway.getHttpServer().address() as { port: number };
  const { path: dataFolder, firstStart } = gateway.get(DataFolder);
  const url = urlOf(host, port);
  if (!firstStart) return laterGreeting({ url, dataFolder });
  const order = { subject: 'admin@localhost', roles: ['admin'], expiresInSeconds: FIRST_TOKEN_SECONDS };
  return firstGreeting({ url, dataFolder, token: await gateway.get(TokenIssuer).issue(order) });
}

function obeySignals(gateway: NestFastifyApplication, onLeft: () => void): void {
  let leaving: Promise<void> | undefined;
  const leave = () => void (leaving ??= drain(gateway).then(onLeft));
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  process.on('SIGHUP', () => void gateway.get(FileServerRegistry).reload());
}

/** Not ready at once; calls in flight finish; what remains at the deadline is cut. */
async function drain(gateway: NestFastifyApplication): Promise<void> {
  const deadline = setTimeout(() => {
    gateway.get(Readiness).close();
    logger.warn('Calls are still in flight at the deadline; their connections are cut.');
    gateway.getHttpServer().closeAllConnections();
  }, DRAIN_DEADLINE_MS);
  const closable = gateway.get(Drain).leave();
  logger.log('Leaving: load balancers are told, calls in flight finish.');
  try {
    await closable;
    await gateway.close();
  } catch (cause) {
    logger.error(`Leaving failed: ${String(cause)}`);
    process.exitCode = 1;
  } finally {
    clearTimeout(deadline);
  }
}
