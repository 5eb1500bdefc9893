import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenIssuer } from '../../src/auth/index.js';
import type { TokenOptions } from '../../src/auth/testing.js';
import { createGateway } from '../../src/create-gateway.js';
import { ConfigurationFile, RegistryStore, ServerRegistry } from '../../src/registry/index.js';
import type { ReloadResult } from '../../src/registry/testing.js';

export interface GatewaySetup {
  /** By slug, as in the configuration file. */
  readonly servers: Readonly<Record<string, object>>;
  readonly virtualServers?: Readonly<Record<string, object>>;
  readonly limits?: Readonly<Record<string, object>>;
  readonly default?: object;
  /** Settings, `ISTHMUS_*`. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestGateway {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** A token of `tester`, unless another subject is asked for. */
  token(order?: Partial<TokenOptions>): Promise<string>;
  /** Replaces the configuration file; the gateway takes it over by itself. */
  configure(setup: Omit<GatewaySetup, 'env'>): Promise<void>;
  /** Replaces the configuration file by any text and says what the gateway makes of it. */
  reload(text: string): Promise<ReloadResult>;
  /** Through which an admin API changes it. */
  readonly store: RegistryStore;
  close(): Promise<void>;
}

/** A real gateway in this process, on a free port, with a data folder of its own. */
export async function startGateway({ env = {}, ...configuration }: GatewaySetup): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-test-'));
  const file = join(folder, 'isthmus.json');
  const configure = (setup: Omit<GatewaySetup, 'env'>) => writeFile(file, JSON.stringify(setup));
  await configure(configuration);
  const variables = {
    PATH: process.env['PATH'],
    ISTHMUS_DATA_DIR: folder,
    ISTHMUS_CONFIG: file,
    ISTHMUS_PORT: '0',
    ISTHMUS_LOG_LEVEL: 'fatal',
    ...env,
  };
  const gateway = await createGateway({ variables });
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
      // The gateway looks after its file by itself, and may have been the first to read it.
      return reload === 'unchanged' && registry.snapshot !== before ? 'applied' : reload;
    },
    store: gateway.get(RegistryStore),
    close: async () => {
      await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
