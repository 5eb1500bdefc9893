/** @waits */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import type { DatabasePlace } from '../../src/database/testing.js';
import { DATABASE_KINDS, type DatabaseHost } from '../support/databases.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { until } from '../support/until.js';

const READY = /Isthmus is ready at (http:\/\/\S+)\/mcp/;
const WORKERS = 3;

let redis: RunningRedis;
let server: ReferenceServer;

beforeAll(async () => {
  redis = await startRedis();
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
});

afterAll(() => Promise.all([redis.stop(), server.close()]));

describe.each(DATABASE_KINDS)('several processes with one registry in $name', ({ name, start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  let folder: string;
  let gateway: GatewayProcess;
  let url: string;

  beforeAll(async () => {
    host = await start();
    folder = await mkdtemp(join(tmpdir(), 'isthmus-shared-'));
    const data = join(folder, 'data');
    place = name === 'SQLite' ? { kind: 'sqlite', file: join(data, 'isthmus.db') } : await host.createDatabase();
    await configure('in-file');
    const variables = {
      ISTHMUS_DATA_DIR: data,
      ISTHMUS_CONFIG: join(folder, 'isthmus.json'),
      ISTHMUS_PORT: '0',
      ISTHMUS_REDIS_URL: redis.url,
      ISTHMUS_ALLOWED_NETWORKS: '127.0.0.1/32',
      ...(place.kind === 'postgres' && { ISTHMUS_DATABASE_URL: place.url }),
    };
    gateway = new GatewayProcess(variables, ['--workers', String(WORKERS)]);
    [, url = ''] = await gateway.printed(READY);
  });

  afterAll(async () => {
    await gateway.destroy();
    await host.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const entry = () => ({ transport: 'http', url: server.url, public: true });
  const configure = (...slugs: string[]) =>
    writeFile(
      join(folder, 'isthmus.json'),
      JSON.stringify({ servers: Object.fromEntries(slugs.map((slug) => [slug, entry()])) }),
    );

  /** Sends so many concurrent requests that each worker receives one. */
  async function isServedByAll(slug: string): Promise<boolean> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const headers = { 'content-type': 'application/json' };
    const ask = () => fetch(`${url}/servers/${slug}/rpc`, { method: 'POST', headers, body });
    const answers = await Promise.all(Array.from({ length: 4 * WORKERS }, ask));
    const statuses = await Promise.all(answers.map(async (answer) => [answer.status, await answer.text()] as const));
    return statuses.every(([status]) => status === 200);
  }

  it('migrate its schema once, and serve the same entries', async () => {
    await until(() => isServedByAll('in-file'));
    const [steps] = await host.run(place, 'select count(*) as taken, max(number) as last from schema_migrations');
    expect(Number(steps?.['taken'])).toBe(steps?.['last']);
    await configure('in-file', 'also-in-file');
    await until(() => isServedByAll('also-in-file'));
    expect(gateway.output).not.toContain('not-asked-for');
    expect(gateway.output).not.toMatch(/Repaired managed entries|database is unavailable/);
  });

  it('serve an added entry, and restore an entry of the configuration file that was deleted from the registry', async () => {
    const columns = 'slug, kind, entry, is_managed, version, created_at, updated_at';
    const now = new Date().toISOString();
    await host.run(
      place,
      `insert into registry_entries (${columns}) values
        ('added', 'server', '${JSON.stringify(entry())}', false, 0, '${now}', '${now}')`,
    );
    await until(() => isServedByAll('added'));
    await host.run(place, `delete from registry_entries where slug = 'in-file'`);
    await gateway.printed(/Repaired managed entries .*: in-file\./);
    await until(() => isServedByAll('in-file'));
    expect(gateway.output.match(/Repaired managed entries/g)).toHaveLength(1);
  });
});
