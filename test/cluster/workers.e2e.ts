/** @waits */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startReferenceServer } from '#lib/testing/reference-server';
import { GatewayProcess } from '../support/gateway-process.js';
import { childrenOf, isAlive } from '../support/processes.js';
import { until } from '../support/until.js';

const METRICS_TOKEN = 'a-token-for-metrics';
const SAMPLE_SERVER = join(process.cwd(), 'dist/src/sample-server/main.js');
const READY = /Isthmus is ready at (http:\/\/\S+)\/mcp/g;

let folder: string;
let running: GatewayProcess[];
let redis: RunningRedis | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-workers-'));
  running = [];
});

afterEach(async () => {
  for (const gateway of running) await gateway.destroy();
  await redis?.stop();
  redis = undefined;
  await rm(folder, { recursive: true, force: true });
});

function start(workers: number, variables: Record<string, string> = {}): GatewayProcess {
  const own = { ISTHMUS_DATA_DIR: join(folder, 'data'), ISTHMUS_PORT: '0', ...variables };
  const gateway = new GatewayProcess(own, ['--workers', String(workers)]);
  running.push(gateway);
  return gateway;
}

async function startWithRedis(workers: number, variables: Record<string, string> = {}): Promise<GatewayProcess> {
  redis = await startRedis();
  return start(workers, { ISTHMUS_REDIS_URL: redis.url, ...variables });
}

async function urlOf(gateway: GatewayProcess): Promise<string> {
  const [, url = ''] = await gateway.printed(new RegExp(READY.source));
  return url;
}

/** Process ids of the running workers; the embedded Redis is a child process too, but not a worker. */
const workersOf = (gateway: GatewayProcess) => childrenOf(gateway.pid, 'dist/src/main.js');

async function readMetrics(url: string): Promise<string> {
  const headers = { authorization: `Bearer ${METRICS_TOKEN}`, connection: 'close' };
  return (await fetch(`${url}/metrics`, { headers })).text();
}

const statusOf = (url: string) => fetch(`${url}/health/ready`).then(({ status }) => status);

describe('several workers of one primary', () => {
  it('share one port, and print the greeting and the token once', async () => {
    const gateway = await startWithRedis(3, { ISTHMUS_METRICS_TOKEN: METRICS_TOKEN });
    const url = await urlOf(gateway);
    expect(await workersOf(gateway)).toHaveLength(3);
    expect(gateway.output.match(READY)).toHaveLength(1);
    const [, token] = await gateway.printed(/"Authorization": "Bearer (\S+)"/);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        fetch(`${url}/rpc`, {
          method: 'POST',
          // The primary distributes connections in turn: each request is served by the next worker.
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
        }).then((answer) => answer.status),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 12 }, () => 200));
    // Whichever worker answers, the metrics are those of all of them.
    for (let turn = 0; turn < 3; turn += 1) {
      const metrics = await readMetrics(url);
      expect(metrics).toMatch(/^isthmus_workers 3$/m);
      expect(metrics).toMatch(
        /^mcp_server_operation_duration_seconds_count\{mcp_method_name="ping",error_type=""} 12$/m,
      );
    }
  });

  it('print no log line before the greeting, although it waits for a server that starts slowly', async () => {
    const file = join(folder, 'isthmus.json');
    const args = ['-c', `echo starting >&2; sleep 4; exec "$0" "$@"`, process.execPath, SAMPLE_SERVER];
    await writeFile(file, JSON.stringify({ servers: { slow: { transport: 'stdio', command: 'sh', args } } }));
    const gateway = await startWithRedis(2, { ISTHMUS_CONFIG: file });
    await gateway.printed(/slow: starting/);
    const [call] = await gateway.printed(/^curl -s .*$/m);
    expect(call).toContain('slow__echo');
    expect(gateway.output).toMatch(/^\nIsthmus is ready at http:/);
  });

  it('are replaced when they are killed, while the port stays served', async () => {
    const gateway = await startWithRedis(2);
    const url = await urlOf(gateway);
    const [victim = 0, survivor = 0] = await workersOf(gateway);
    process.kill(victim, 'SIGKILL');
    await gateway.printed(new RegExp(`Worker ${victim} ended \\(SIGKILL\\); starting a replacement`));
    expect(await statusOf(url)).toBe(200);
    await until(async () => (await workersOf(gateway)).filter((pid) => pid !== survivor).length === 1);
    process.kill(survivor, 'SIGKILL');
    await gateway.printed(new RegExp(`Worker ${survivor} ended`));
    await until(() =>
      statusOf(url).then(
        (status) => status === 200,
        () => false,
      ),
    );
    expect(gateway.output.match(READY)).toHaveLength(1);
  });

  it('are replaced one by one when each receives SIGTERM', async () => {
    const gateway = await startWithRedis(2);
    await urlOf(gateway);
    const before = await workersOf(gateway);
    for (const pid of before) {
      process.kill(pid, 'SIGTERM');
      await gateway.printed(new RegExp(`Worker ${pid} ended \\(exit code 0\\)`));
      await until(async () => (await workersOf(gateway)).length === 2);
    }
    const after = await workersOf(gateway);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  });

  it('finish the in-flight call when the primary receives SIGTERM, and the primary ends last', async () => {
    const server = await startReferenceServer({ era: 'modern', transport: 'http' });
    try {
      const file = join(folder, 'isthmus.json');
      await writeFile(file, JSON.stringify({ servers: { ref: { transport: 'http', url: server.url, public: true } } }));
      const gateway = await startWithRedis(2, { ISTHMUS_CONFIG: file });
      const url = await urlOf(gateway);
      const workers = await workersOf(gateway);
      const held = fetch(`${url}/servers/ref/rpc`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'hold', arguments: { key: 'door' } },
        }),
      });
      await server.calls.until('hold', 'started', 1);
      const exiting = gateway.exit('SIGTERM');
      await gateway.printed(/Draining[\s\S]*Draining/);
      server.world.release('door');
      expect((await held).status).toBe(200);
      expect(await exiting).toBe(0);
      expect(workers.filter(isAlive)).toEqual([]);
    } finally {
      await server.close();
    }
  });

  it('read the changed configuration file when the primary receives SIGHUP', async () => {
    const file = join(folder, 'isthmus.json');
    await writeFile(file, JSON.stringify({ servers: {} }));
    const gateway = await startWithRedis(2, { ISTHMUS_CONFIG: file });
    await urlOf(gateway);
    await writeFile(file, '{ "servers": ');
    gateway.signal('SIGHUP');
    // Each worker reports the fault, whether the signal or the change of the file triggered the reload.
    await gateway.printed(/isthmus\.json[\s\S]*isthmus\.json/);
    expect(await workersOf(gateway)).toHaveLength(2);
  });
});

describe('a failing start of several workers', () => {
  it('reports an invalid setting once and starts no worker', async () => {
    const gateway = start(3, { ISTHMUS_PRT: '1' });
    expect(await gateway.exit()).toBe(1);
    expect(gateway.output.match(/ISTHMUS_PRT/g)).toHaveLength(1);
  });

  it('reports a fault that only workers detect once, and exits with 1', async () => {
    const file = join(folder, 'isthmus.yaml');
    await writeFile(file, 'servers:\n  a: { transport: http, url: nonsense }\n');
    const gateway = await startWithRedis(3, { ISTHMUS_CONFIG: file });
    expect(await gateway.exit()).toBe(1);
    expect(gateway.output.match(/servers\.a\.url/g)).toHaveLength(1);
    expect(gateway.output).not.toMatch(/\n\s+at /);
  });

  it('reports once that the port is in use', async () => {
    const first = await startWithRedis(1);
    const { port } = new URL(await urlOf(first));
    const second = start(2, { ISTHMUS_PORT: port, ISTHMUS_REDIS_URL: redis?.url ?? '' });
    expect(await second.exit()).toBe(1);
    expect(second.output.match(/The port is in use/g)).toHaveLength(1);
  });

  it('exits in production without Redis, with a message that names the setting', async () => {
    const gateway = start(2, { NODE_ENV: 'production' });
    expect(await gateway.exit()).toBe(1);
    expect(gateway.output).toMatch(/^Several workers require a shared Redis.*NODE_ENV=production.*ISTHMUS_REDIS_URL/);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the embedded Valkey', () => {
  it('serves workers without a configured Redis, prints a warning, and ends with them', async () => {
    const gateway = start(2);
    await urlOf(gateway);
    expect(gateway.output).toMatch(/\*\*\* No Redis is configured.*embedded Valkey.*development only/s);
    const [valkey = 0] = await childrenOf(gateway.pid, 'embedded-redis');
    expect(valkey).toBeGreaterThan(0);
    expect(await gateway.exit('SIGTERM')).toBe(0);
    expect(isAlive(valkey)).toBe(false);
  });

  it('ends when the primary is killed', async () => {
    const gateway = start(2);
    await urlOf(gateway);
    const children = await childrenOf(gateway.pid, '');
    expect(children).toHaveLength(3);
    await gateway.exit('SIGKILL');
    await until(() => !children.some(isAlive));
  });

  it('is not started for a single worker', async () => {
    const gateway = start(1);
    await urlOf(gateway);
    expect(gateway.output).not.toContain('Valkey');
    expect(await childrenOf(gateway.pid, 'embedded-redis')).toEqual([]);
  });
});
