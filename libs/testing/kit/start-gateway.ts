import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { TokenIssuer } from '../../../src/auth/index.js';
import {
  createGateway,
  createGatewayOf,
  type CompiledGateway,
  type GatewayOptions,
} from '../../../src/create-gateway.js';
import { connectClient, type ClientRequest, type TokenRequest } from './connect-client.js';

/** The sections of a configuration file (docs/configuration.md), each a mapping of slugs to entries. */
export interface GatewayEntries {
  readonly servers?: Readonly<Record<string, object>>;
  readonly virtualServers?: Readonly<Record<string, object>>;
  readonly teams?: Readonly<Record<string, object>>;
  readonly policies?: Readonly<Record<string, object>>;
  readonly limits?: Readonly<Record<string, object>>;
  readonly guardrails?: Readonly<Record<string, object>>;
  readonly secrets?: Readonly<Record<string, object>>;
  /** The default endpoint. */
  readonly default?: object;
}

export interface TestGatewayOptions extends GatewayEntries, Pick<GatewayOptions, 'extensions'> {
  /** Settings, `ISTHMUS_*`. Log lines below `fatal` are not written unless they say so. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A gateway that listens on a free port of 127.0.0.1. */
export interface TestGateway {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Its configuration file. */
  readonly file: string;
  /** The Nest application, for `get`. */
  readonly application: NestFastifyApplication;
  /** Issues a token that the gateway accepts. */
  token(request?: TokenRequest): Promise<string>;
  /** Connects the official client, with a token for the caller. The client ends with the gateway. */
  connect(request?: ClientRequest): Promise<Client>;
  /** Replaces the configuration file, which the gateway reloads by itself. */
  configure(entries: GatewayEntries): Promise<void>;
  /** Ends it and deletes its data. */
  close(): Promise<void>;
}

/** Starts a complete gateway in this process, on a free port and with its own data folder. */
export async function startGateway({
  env = {},
  extensions = [],
  ...entries
}: TestGatewayOptions = {}): Promise<TestGateway> {
  const folder = await createTestFolder(entries);
  const variables = { ...testVariables(folder), ...env };
  return listen(() => createGateway({ variables, extensions }), folder);
}

/** The settings of a gateway for a test, for `GatewayModule.forRoot({ variables })`. Creates its data folder. */
export async function createTestVariables({
  env = {},
  ...entries
}: Omit<TestGatewayOptions, 'extensions'> = {}): Promise<Record<string, string>> {
  return { ...testVariables(await createTestFolder(entries)), ...env };
}

/**
 * Starts the gateway that Nest's testing module has compiled, with what the test has overridden. `variables` are those of
 * `createTestVariables`.
 */
export async function startCompiledGateway(
  compiled: CompiledGateway,
  variables: Readonly<Record<string, string>>,
): Promise<TestGateway> {
  return listen(() => createGatewayOf(compiled), variables['ISTHMUS_DATA_DIR'] ?? '');
}

async function createTestFolder(entries: GatewayEntries): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-test-'));
  await writeFile(join(folder, CONFIGURATION_FILE), JSON.stringify(entries));
  return folder;
}

const CONFIGURATION_FILE = 'isthmus.json';

const testVariables = (folder: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  ISTHMUS_DATA_DIR: folder,
  ISTHMUS_CONFIG: join(folder, CONFIGURATION_FILE),
  ISTHMUS_PORT: '0',
  ISTHMUS_LOG_LEVEL: 'fatal',
});

/** Deletes the folder when the gateway cannot start, and at its end. */
async function listen(create: () => Promise<NestFastifyApplication>, folder: string): Promise<TestGateway> {
  try {
    return toTestGateway(await startListening(create), folder);
  } catch (cause) {
    // What is still being created there must not hide why the start has failed.
    await rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined);
    throw cause;
  }
}

async function startListening(create: () => Promise<NestFastifyApplication>): Promise<NestFastifyApplication> {
  const application = await create();
  try {
    await application.listen(0, '127.0.0.1');
    return application;
  } catch (cause) {
    // A second failure must not hide the first.
    await application.close().catch(() => undefined);
    throw cause;
  }
}

function toTestGateway(application: NestFastifyApplication, folder: string): TestGateway {
  const { port } = application.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, CONFIGURATION_FILE);
  const clients: Client[] = [];
  const issueToken = ({ subject = 'tester', roles, scopes, audience, expiresInSeconds = 600 }: TokenRequest = {}) =>
    application.get(TokenIssuer).issue({
      subject,
      expiresInSeconds,
      ...(roles && { roles }),
      ...(scopes && { scopes }),
      ...(audience !== undefined && { audience }),
    });
  return {
    url,
    file,
    application,
    token: issueToken,
    connect: async (request = {}) => {
      const client = await connectClient(url, request.token ?? (await issueToken(request)), request);
      clients.push(client);
      return client;
    },
    configure: (entries) => writeFile(file, JSON.stringify(entries)),
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await application.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
