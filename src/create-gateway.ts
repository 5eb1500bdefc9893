import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig, LoadedConfig } from '#lib/config';
import { WorkerBusServer } from '#lib/worker-bus';
import { GatewayConfig } from './gateway.config.js';
import { GATEWAY_SETTINGS } from './gateway-settings.js';
import { GatewayModule, type GatewayModuleOptions } from './gateway.module.js';
import { GatewayLogger, LoggingConfig } from './logging/index.js';
import { createHttpAdapter } from './transport/index.js';

export interface GatewayOptions extends GatewayModuleOptions {
  /** Logs for it. Without: one of its own, as the settings say. */
  readonly logger?: GatewayLogger;
}

/** A compiled module that contains the GatewayModule, such as the `TestingModule` of Nest. */
export interface CompiledGateway {
  get<T>(token: abstract new (...args: never[]) => T): T;
  createNestApplication(adapter: ReturnType<typeof createHttpAdapter>, options: object): INestApplication;
}

/**
 * Creates a gateway that does not listen yet. Used by main, by tests and by a team's own main.
 * @throws ConfigFault, RegistryFault, DataFolderFault or DatabaseFault that lists every fault, ExtensionFault
 */
export async function createGateway({
  variables = {},
  extensions = [],
  logger,
}: GatewayOptions = {}): Promise<NestFastifyApplication> {
  const loaded = new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables);
  const http = createHttpAdapter(loaded.get(GatewayConfig).publicPath);
  const module = await GatewayModule.fromConfig(loaded, extensions);
  const gateway = await NestFactory.create<NestFastifyApplication>(module, http, {
    ...APPLICATION_OPTIONS,
    logger: logger ?? new GatewayLogger(loaded.get(LoggingConfig)),
  });
  return connect(gateway);
}

/**
 * Creates the application of a gateway that was compiled by Nest's testing module, with every provider that the test has
 * overridden. It does not listen yet.
 */
export function createGatewayOf(compiled: CompiledGateway): Promise<NestFastifyApplication> {
  const http = createHttpAdapter(compiled.get(LoadedConfig).get(GatewayConfig).publicPath);
  const gateway = compiled.createNestApplication(http, { ...APPLICATION_OPTIONS, logger: false });
  return connect(gateway as NestFastifyApplication);
}

const APPLICATION_OPTIONS = {
  abortOnError: false,
  // Each transport reads its own bodies.
  bodyParser: false,
} as const;

/** Connects the worker to the bus over which workers forward calls. */
async function connect(gateway: NestFastifyApplication): Promise<NestFastifyApplication> {
  try {
    gateway.connectMicroservice({ strategy: gateway.get(WorkerBusServer) });
    await gateway.startAllMicroservices();
    return gateway;
  } catch (cause) {
    // A second failure must not hide the first.
    await gateway.close().catch(() => undefined);
    throw cause;
  }
}
