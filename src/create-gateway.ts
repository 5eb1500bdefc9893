import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig, LoadedConfig, type Variables } from '#lib/config';
import { WorkerBusServer } from '#lib/worker-bus';
import { AppModule } from './app.module.js';
import { GATEWAY_SETTINGS } from './gateway-settings.js';
import { GatewayLogger, LoggingConfig } from './logging/index.js';

/** Node's bound against slow senders: the head and body of a request must arrive within this time. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than the idle timeouts of common load balancers, so that the load balancer closes idle connections. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

export interface GatewayOptions {
  /** The `ISTHMUS_*` settings, and the variables to which `${NAME}` in the configuration file refers. */
  readonly variables: Variables;
  /** Logs for it. Without: one of its own, as the settings say. */
  readonly logger?: GatewayLogger;
}

const MAX_PARAMETER_LENGTH = 16_384;

/**
 * Creates a gateway that does not listen yet. Used by main, by tests and by a team's own main.
 * @throws ConfigFault, RegistryFault, DataFolderFault or DatabaseFault that lists every fault
 */
export async function createGateway({ variables, logger }: GatewayOptions): Promise<NestFastifyApplication> {
  const loaded = new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables);
  const adapter = new FastifyAdapter({
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // The gateway itself rejects requests during a drain, with an error of their protocol.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // The gateway uses neither Express middleware nor Fastify's request id, which cost 5 µs per call.
    skipMiddie: true,
    genReqId: () => '',
    // Item names are part of paths, and URIs of resources can be long.
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH, ignoreTrailingSlash: true },
  });
  const gateway = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(loaded), adapter, {
    logger: logger ?? new GatewayLogger(loaded.get(LoggingConfig)),
    abortOnError: false,
    // Each transport reads its own bodies.
    bodyParser: false,
  });
  gateway.connectMicroservice({ strategy: gateway.get(WorkerBusServer) });
  await gateway.startAllMicroservices();
  return gateway;
}
