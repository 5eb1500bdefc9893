import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../test/support/http-world.js';
import { MetricsServer } from './metrics-server.js';

const TOKEN = 'a-token-for-metrics';
let world: HttpWorld;

beforeAll(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a')], { ISTHMUS_METRICS_TOKEN: TOKEN, ISTHMUS_METRICS_PORT: '0' });
});

afterEach(() => {
  world.records.length = 0;
});

afterAll(async () => {
  await world.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

const readOwnPort = async (path = '/metrics', method = 'GET') =>
  fetch(`http://127.0.0.1:${world.get(MetricsServer).port}${path}`, { method });

describe('GET /metrics', () => {
  it('at its own port contains the calls and the state of the worker', async () => {
    const call = modern(1, 'tools/call', { name: 'a__pay' });
    await world.post('/mcp', call.message, call);
    await world.session();
    const response = await readOwnPort();
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toMatch(/^isthmus_tool_calls_total\{server="a",tool="pay",outcome="executed",error_type=""} 1$/m);
    expect(text).toMatch(/^isthmus_sessions 1$/m);
    expect(text).toMatch(/^isthmus_workers 1$/m);
    expect(text).toMatch(/^isthmus_upstream_connections [12]$/m);
    expect(text).toMatch(/^isthmus_event_loop_delay_p99_seconds \d/m);
    expect(text).toMatch(/^isthmus_database_up [01]$/m);
    expect(text).not.toContain('isthmus_redis_up');
  });

  it('at its own port answers nothing else', async () => {
    expect((await readOwnPort('/mcp')).status).toBe(404);
    expect((await readOwnPort('/metrics', 'POST')).status).toBe(405);
  });

  it('at the port of the gateway requires the token', async () => {
    const read = (authorization: string) => world.request('GET', '/metrics', { headers: { authorization } });
    expect((await read(`Bearer ${TOKEN}`)).status).toBe(200);
    expect(await (await read(`Bearer ${TOKEN}`)).text()).toContain('# TYPE isthmus_requests_total counter');
    for (const other of ['', 'Bearer', `Bearer ${TOKEN}x`, world.authorization.authorization])
      expect((await read(other)).status).toBe(401);
  });

  it('does not exist without a token or a port', async () => {
    const plain = await HttpWorld.open([]);
    expect((await plain.request('GET', '/metrics')).status).toBe(404);
    expect(plain.get(MetricsServer).port).toBeUndefined();
    await plain.close();
  });
});
