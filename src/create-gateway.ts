import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig, LoadedConfig, type Variables } from '#lib/config';
import { WorkerBusServer } from '#lib/worker-bus';
import { AppModule } from './app.module.js';
import { GatewayConfig } from './gateway.config.js';
import { GATEWAY_SETTINGS } from './gateway-settings.js';
import { GatewayLogger, LoggingConfig } from './logging/index.js';
import { createHttpAdapter } from './transport/index.js';

export interface GatewayOptions {
  /** The `ISTHMUS_*` settings, and the variables to which `${NAME}` in the configuration file refers. */
  readonly variables: Variables;
  /** Logs for it. Without: one of its own, as the settings say. */
  readonly logger?: GatewayLogger;
}

/**
 * Creates a gateway that does not listen yet. Used by main, by tests and by a team's own main.
 * @throws ConfigFault, RegistryFault, DataFolderFault or DatabaseFault that lists every fault
 */
export async function createGateway({ variables, logger }: GatewayOptions): Promise<NestFastifyApplication> {
  const loaded = new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables);
  const http = createHttpAdapter(loaded.get(GatewayConfig).publicPath);
  const gateway = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(loaded), http, {
    logger: logger ?? new GatewayLogger(loaded.get(LoggingConfig)),
    abortOnError: false,
    // Each transport reads its own bodies.
    bodyParser: false,
  });
  gateway.connectMicroservice({ strategy: gateway.get(WorkerBusServer) });
  await gateway.startAllMicroservices();
  return gateway;
}
