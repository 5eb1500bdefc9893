import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../test/support/http-world.js';
import { ExtensionConsumers } from '../extensions/index.js';
import { MetricsServer } from './metrics-server.js';

const TOKEN = 'a-token-for-metrics';
/** Of promises of one consumer. */
const PENDING_LIMIT = 1_000;
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
    expect(text).not.toMatch(/^isthmus_redis_up/m);
    expect(text).toMatch(/^isthmus_child_processes 0$/m);
    // Checks are off here, and calls do not decide it.
    expect(text).not.toMatch(/^isthmus_server_up\{/m);
    expect(text).toMatch(/^process_cpu_seconds_total \d/m);
  });

  it('count look-ups of the caches, measure ended sessions, and name the limits that were reached', async () => {
    const limited = await HttpWorld.open(
      [remoteServer('a')],
      { ISTHMUS_METRICS_TOKEN: TOKEN },
      { limits: [{ slug: 'once', per: ['principal'], rate: { calls: 1, withinMs: 60_000 } }] },
    );
    const call = modern(1, 'tools/call', { name: 'a__pay' });
    for (let count = 0; count < 3; count += 1) await limited.post('/mcp', call.message, call);
    const headers = await limited.session();
    await limited.request('DELETE', '/mcp', { headers });
    const response = await limited.request('GET', '/metrics', { headers: { authorization: `Bearer ${TOKEN}` } });
    const text = await response.text();
    await limited.close();
    expect(text).toMatch(/^isthmus_limits_reached_total\{limit="once"} 2$/m);
    expect(text).toMatch(/^isthmus_refusals_total\{reason="too_many_requests",server="a",http_status="200"} 2$/m);
    expect(text).toMatch(/^isthmus_cache_lookups_total\{cache="caller",result="miss"} 1$/m);
    expect(text).toMatch(/^isthmus_cache_lookups_total\{cache="caller",result="hit"} [1-9]/m);
    expect(text).toMatch(/^mcp_server_session_duration_seconds_count\{mcp_protocol_version="2025-11-25"} 1$/m);
  });

  it('counts what extensions were too slow for, by what it was and by whom', async () => {
    const consumers = world.get(ExtensionConsumers);
    const slow = consumers.add('call_record', 'SlowSink', () => new Promise(() => undefined));
    consumers.add('event', 'QuickListener.listen', () => undefined).pass({});
    for (let count = 0; count < PENDING_LIMIT + 3; count += 1) slow.pass({});
    const text = await (await readOwnPort()).text();
    expect(text).toMatch(/^isthmus_extension_drops_total\{kind="call_record",contribution="SlowSink"} 3$/m);
    expect(text).toMatch(/^isthmus_extension_drops_total\{kind="event",contribution="QuickListener.listen"} 0$/m);
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

  it('at the port of the gateway is served whatever the host of the request, and only there', async () => {
    const statusOf = async (path: string, authorization: string) => {
      const headers = { host: '10.1.2.3:4444', authorization };
      const request = get({ host: '127.0.0.1', port: world.port, path, headers });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    expect(await statusOf('/metrics', `Bearer ${TOKEN}`)).toBe(200);
    expect(await statusOf('/metrics?x=1', `Bearer ${TOKEN}`)).toBe(200);
    expect(await statusOf('/metrics', '')).toBe(401);
    expect(await statusOf('/metrics/x', `Bearer ${TOKEN}`)).toBe(403);
    expect(await statusOf('/mcp', world.authorization.authorization)).toBe(403);
  });

  it('does not exist without a token or a port', async () => {
    const plain = await HttpWorld.open([]);
    expect((await plain.request('GET', '/metrics')).status).toBe(404);
    expect(plain.get(MetricsServer).port).toBeUndefined();
    await plain.close();
  });
});
