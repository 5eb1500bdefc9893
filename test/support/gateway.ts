import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenIssuer } from '../../src/auth/index.js';
import type { TokenOptions } from '../../src/auth/testing.js';
import { createGateway, type GatewayOptions } from '../../src/create-gateway.js';
import { ConfigurationFile, RegistryStore, ServerRegistry } from '../../src/registry/index.js';
import type { ReloadResult } from '../../src/registry/testing.js';
import { NO_HEALTH_CHECKS } from './no-health-checks.js';

export interface GatewaySetup {
  /** Server definitions by slug, as in the configuration file. */
  readonly servers: Readonly<Record<string, object>>;
  readonly virtualServers?: Readonly<Record<string, object>>;
  readonly limits?: Readonly<Record<string, object>>;
  readonly teams?: Readonly<Record<string, object>>;
  readonly default?: object;
  readonly guardrails?: Readonly<Record<string, object>>;
  readonly extensions?: GatewayOptions['extensions'];
  /** Settings, `ISTHMUS_*`. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestGateway {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Issues a token. Default subject: `tester`. */
  token(order?: Partial<TokenOptions>): Promise<string>;
  /** Replaces the configuration file, which the gateway reloads by itself. */
  configure(setup: Omit<GatewaySetup, 'env' | 'extensions'>): Promise<void>;
  /** Replaces the configuration file by a text and returns the result of the reload. */
  reload(text: string): Promise<ReloadResult>;
  /** The store that the admin API writes to. */
  readonly store: RegistryStore;
  close(): Promise<void>;
}

/** Starts a gateway in this process, on a free port and with its own data folder. */
export async function startGateway({
  env = {},
  extensions = [],
  ...configuration
}: GatewaySetup): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-test-'));
  const file = join(folder, 'isthmus.json');
  const configure = (setup: Omit<GatewaySetup, 'env' | 'extensions'>) => writeFile(file, JSON.stringify(setup));
  await configure(configuration);
  const variables = {
    PATH: process.env['PATH'],
    ISTHMUS_DATA_DIR: folder,
    ISTHMUS_CONFIG: file,
    ISTHMUS_PORT: '0',
    ISTHMUS_LOG_LEVEL: 'fatal',
    ...NO_HEALTH_CHECKS,
    ...env,
  };
  const gateway = await createGateway({ variables, extensions });
  await gateway.listen(0, '127.0.0.1');
  const { port } = gateway.getHttpServer().address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    token: (order) => gateway.get(TokenIssuer).issue({ subject: 'tester', expiresInSeconds: 600, ...order }),
    configure,
    reload: async (text) => {
      const registry = gateway.get(ServerRegistry);
      const before = registry.snapshot;
      await writeFile(file, text);
      const reload = await gateway.get(ConfigurationFile).reload();
      // The gateway watches the file and may have reloaded it first.
      return reload === 'unchanged' && registry.snapshot !== before ? 'applied' : reload;
    },
    store: gateway.get(RegistryStore),
    close: async () => {
      await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
