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
import { NO_HEALTH_CHECKS } from './no-health-checks.js';

/** Two gateways in this process with shared secrets, configuration and a real Redis. */
export interface GatewayPair {
  /** The worker that owns the sessions of a test and in which the test injects faults. */
  readonly owner: NestFastifyApplication;
  readonly other: NestFastifyApplication;
  readonly ownerUrl: string;
  /** URL of the worker that receives the requests. */
  readonly otherUrl: string;
  /** Issues a token that both gateways accept. Default subject: `tester`. */
  token(order?: Partial<TokenOptions>): Promise<string>;
  close(): Promise<void>;
}

/** Starts both gateways. Resolves when both listen and know each other. */
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
    ...NO_HEALTH_CHECKS,
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
