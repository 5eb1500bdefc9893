import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig, LoadedConfig, type Variables } from '#lib/config';
import { WorkerBusServer } from '#lib/worker-bus';
import { AppModule } from './app.module.js';
import { GATEWAY_SETTINGS } from './gateway-settings.js';
import { GatewayLogger } from './gateway-logger.js';
import { LoggingConfig } from './logging.config.js';

/** Node's own bounds against slow senders; a request's head and body must arrive within these. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than the idle timeouts of the usual load balancers, which must be the side that closes. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

export interface GatewayOptions {
  /** Settings, `ISTHMUS_*`, and what `${NAME}` in the configuration file stands for. */
  readonly variables: Variables;
  /** Logs for it. Without: one of its own, as the settings say. */
  readonly logger?: GatewayLogger;
}

const LONGEST_PARAMETER = 16_384;

/**
 * Builds a gateway that does not listen yet; main, tests and a team's own main all use it.
 * @throws ConfigFault, RegistryFault, DataFolderFault or DatabaseFault that names all that is wrong
 */
export async function createGateway({ variables, logger }: GatewayOptions): Promise<NestFastifyApplication> {
  const loaded = new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables);
  const adapter = new FastifyAdapter({
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // Requests that come while the gateway leaves are refused by its own door, in the words of their protocol.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Nothing of ours is Express middleware, and no line of ours needs Fastify's request id: both cost 5 µs a call.
    skipMiddie: true,
    genReqId: () => '',
    // Names of items are part of paths, and URIs of resources are long.
    routerOptions: { maxParamLength: LONGEST_PARAMETER, ignoreTrailingSlash: true },
  });
  const gateway = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(loaded), adapter, {
    logger: logger ?? new GatewayLogger(loaded.get(LoggingConfig)),
    abortOnError: false,
    // Each door reads its own bodies.
    bodyParser: false,
  });
  gateway.connectMicroservice({ strategy: gateway.get(WorkerBusServer) });
  await gateway.startAllMicroservices();
  return gateway;
}
