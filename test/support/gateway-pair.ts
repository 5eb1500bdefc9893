import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { startRedis } from '#lib/testing/redis-server';
import { TokenIssuer } from '../../src/auth/index.js';
import type { TokenOptions } from '../../src/auth/testing.js';
import { createGateway } from '../../src/create-gateway.js';
import { WorkerBroadcast } from '../../src/workers/index.js';
import type { GatewaySetup } from './gateway.js';
import { until } from './until.js';

/** Two real gateways in this process that share secrets, configuration and a real Redis of their own. */
export interface GatewayPair {
  /** Where a test opens its sessions, and breaks what is inside. */
  readonly owner: NestFastifyApplication;
  readonly other: NestFastifyApplication;
  readonly ownerUrl: string;
  /** Where it sends its requests. */
  readonly otherUrl: string;
  /** A token of `tester`, unless another subject is asked for; good at both. */
  token(order?: Partial<TokenOptions>): Promise<string>;
  close(): Promise<void>;
}

/** Starts them. Resolves when both listen and know of each other. */
export async function startGatewayPair({ env = {}, ...configuration }: GatewaySetup): Promise<GatewayPair> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-pair-'));
  const file = join(folder, 'isthmus.json');
  await writeFile(file, JSON.stringify(configuration));
  const redis = await startRedis();
  const variables = {
    PATH: process.env['PATH'],
    ISTHMUS_DATA_DIR: folder,
    ISTHMUS_CONFIG: file,
    ISTHMUS_PORT: '0',
    ISTHMUS_LOG_LEVEL: 'fatal',
    ISTHMUS_REDIS_URL: redis.url,
    ...env,
  };
  const [owner, other] = [await createGateway({ variables }), await createGateway({ variables })];
  await Promise.all([owner, other].map((gateway) => gateway.listen(0, '127.0.0.1')));
  await until(() => [owner, other].every((gateway) => gateway.get(WorkerBroadcast).aliveIds.length === 2));
  return {
    owner,
    other,
    ownerUrl: urlOf(owner),
    otherUrl: urlOf(other),
    token: (order) => owner.get(TokenIssuer).issue({ subject: 'tester', expiresInSeconds: 600, ...order }),
    close: async () => {
      await Promise.all([owner, other].map((gateway) => gateway.close()));
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function urlOf(gateway: NestFastifyApplication): string {
  const { port } = gateway.getHttpServer().address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}
