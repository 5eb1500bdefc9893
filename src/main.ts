import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigFault } from '#lib/config';
import { TokenIssuer } from './auth/index.js';
import { createGateway } from './create-gateway.js';
import { DataFolder, DataFolderFault } from './data-folder/index.js';
import { GatewayConfig } from './gateway.config.js';
import { firstGreeting, laterGreeting, urlOf } from './greeting.js';
import { Readiness } from './health/index.js';
import { FileServerRegistry, publicExposureWarnings, RegistryFault } from './registry/index.js';
import { ArgumentFault, readArguments, USAGE } from './start-arguments.js';

const FIRST_TOKEN_SECONDS = 30 * 24 * 60 * 60;
/** Calls in flight have so long to finish when the gateway is told to leave. */
const DRAIN_DEADLINE_MS = 25_000;

const logger = new Logger('Gateway');

async function start(): Promise<void> {
  const { help, settings } = readArguments(process.argv.slice(2));
  if (help) return void process.stdout.write(`${USAGE}\n`);
  const gateway = await createGateway({ variables: { ...process.env, ...settings } });
  const { host, port } = gateway.get(GatewayConfig);
  await gateway.listen(port, host);
  obeySignals(gateway);
  warnOfExposure(gateway.get(FileServerRegistry), host);
  process.stdout.write(await greeting(gateway, host));
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

function obeySignals(gateway: NestFastifyApplication): void {
  let leaving: Promise<void> | undefined;
  const leave = () => void (leaving ??= drain(gateway));
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  process.on('SIGHUP', () => void gateway.get(FileServerRegistry).reload());
}

/** Not ready at once; calls in flight finish; what remains at the deadline is cut. */
async function drain(gateway: NestFastifyApplication): Promise<void> {
  gateway.get(Readiness).leave();
  logger.log('Leaving: new requests are refused, calls in flight finish.');
  const deadline = setTimeout(() => {
    logger.warn('Calls are still in flight at the deadline; their connections are cut.');
    gateway.getHttpServer().closeAllConnections();
  }, DRAIN_DEADLINE_MS);
  try {
    await gateway.close();
  } catch (cause) {
    logger.error(`Leaving failed: ${String(cause)}`);
    process.exitCode = 1;
  } finally {
    clearTimeout(deadline);
  }
}

/** Faults of the person who starts it are told in full; anything else is a defect and shows where it happened. */
function explain(cause: unknown): string {
  const isTheirs = [ConfigFault, RegistryFault, DataFolderFault, ArgumentFault].some((fault) => cause instanceof fault);
  if (isTheirs && cause instanceof Error) return cause.message;
  if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
    return 'The port is in use. Set ISTHMUS_PORT to another one, or stop what listens there.';
  }
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

start().catch((cause: unknown) => {
  process.stderr.write(`${explain(cause)}\n`);
  process.exit(1);
});
