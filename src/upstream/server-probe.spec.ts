import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AddressGuard } from '#lib/address-guard';
import { ManualClock } from '#lib/testing/manual-clock';
import { freePort } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { SystemClock, type Clock } from '#lib/time';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { startFaultProxy } from '../../test/support/fault-proxy.js';
import { until } from '../../test/support/until.js';
import type { RestServer } from '../registry/index.js';
import { ServerProbe, UpstreamConfig } from './index.js';

const TIMEOUT_MS = 5_000;
const UP = { answered: true, latencyMs: expect.any(Number) };

const opened: { close(): Promise<unknown> }[] = [];

const track = <T extends { close(): Promise<unknown> }>(one: T): T => {
  opened.push(one);
  return one;
};

const createProbe = (clock: Clock = new SystemClock()): ServerProbe =>
  track(new ServerProbe(new UpstreamConfig(), clock, new AddressGuard()));

const restServer = (url: string, more: Partial<RestServer> = {}): RestServer => ({
  ...remoteServer('api'),
  transport: 'rest',
  url,
  headers: { 'x-key': 'k' },
  tools: [],
  ...more,
});

afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
});

describe.each([
  { era: 'legacy', transport: 'http' },
  { era: 'legacy', transport: 'sse' },
  { era: 'modern', transport: 'http' },
] as const)('a probe of a $era server over $transport', ({ era, transport }) => {
  let reference: ReferenceServer;
  let server: ReturnType<typeof remoteServer>;

  beforeEach(async () => {
    reference = track(await startReferenceServer({ era, transport }));
    server = remoteServer('ref', { url: reference.url, transport });
  });

  it('is answered, over one session for all probes, which ends with the probe', async () => {
    const probe = createProbe();
    for (let count = 0; count < 3; count += 1) expect(await probe.run(server, TIMEOUT_MS)).toEqual(UP);
    expect(reference.openSessions).toBe(era === 'legacy' ? 1 : 0);
    await probe.forget('ref');
    while (reference.openSessions > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await probe.run(server, TIMEOUT_MS)).toEqual(UP);
  });

  it('is answered by a server that has forgotten the session of the last probe', async () => {
    const probe = createProbe();
    await probe.run(server, TIMEOUT_MS);
    await reference.forgetSessions();
    expect(await probe.run(server, TIMEOUT_MS)).toEqual(UP);
  });

  it('is answered over a new connection when the last one is lost without an error', async () => {
    const proxy = track(await startFaultProxy(reference.url));
    const url = reference.url.replace(new URL(reference.url).host, proxy.address);
    const clock = new ManualClock();
    const probe = createProbe(clock);
    const behind = remoteServer('ref', { url, transport });
    await probe.run(behind, TIMEOUT_MS);
    proxy.freeze();
    const result = probe.run(behind, TIMEOUT_MS);
    await clock.advance(TIMEOUT_MS / 2);
    expect(await result).toMatchObject({ answered: true });
    // The end of the sessions must not wait for the lost connection.
    proxy.resume();
  });

  it('tells why a server that has stopped is not reached, and is answered when it is back', async () => {
    const probe = createProbe();
    await probe.run(server, TIMEOUT_MS);
    await reference.close();
    expect(await probe.run(server, TIMEOUT_MS)).toMatchObject({
      answered: false,
      code: -31_004,
      reason: expect.any(String),
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    opened.splice(0, 1);
    track(await startReferenceServer({ era, transport, port: Number(new URL(server.url).port) }));
    expect(await probe.run(server, TIMEOUT_MS)).toEqual(UP);
  });
});

describe('a probe', () => {
  let web: Server;
  let url: string;
  let respond: (path: string, headers: Record<string, unknown>, response: ServerResponse) => void;
  const requests: string[] = [];

  beforeEach(async () => {
    requests.length = 0;
    web = createServer(({ url: path = '', headers }, response) => {
      requests.push(path);
      respond(path, headers, response);
    }).listen(0, '127.0.0.1');
    await once(web, 'listening');
    url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/api`;
    track({
      close: async () => {
        web.closeAllConnections();
        web.close();
      },
    });
  });

  it('of a REST server requests its health path with its headers', async () => {
    let status = 204;
    respond = (_path, headers, response) => void response.writeHead(headers['x-key'] === 'k' ? status : 401).end();
    const probe = createProbe();
    const server = restServer(url, { healthPath: '/status?deep=1' });
    expect(await probe.run(server, TIMEOUT_MS)).toEqual(UP);
    status = 503;
    expect(await probe.run(server, TIMEOUT_MS)).toMatchObject({
      answered: false,
      reason: 'GET /status?deep=1 was answered with 503.',
    });
    expect(requests).toEqual(['/status?deep=1', '/status?deep=1']);
  });

  it('of a REST server without a health path connects and requests nothing', async () => {
    const probe = createProbe();
    expect(await probe.run(restServer(url), TIMEOUT_MS)).toEqual(UP);
    expect(requests).toEqual([]);
    const unreachable = restServer(`http://127.0.0.1:${await freePort()}`);
    expect(await probe.run(unreachable, TIMEOUT_MS)).toMatchObject({
      answered: false,
      reason: 'The server could not be reached.',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it.each([undefined, '/status'])(
    'of a guarded REST server connects to no forbidden address (path %s)',
    async (healthPath) => {
      respond = (_path, _headers, response) => void response.end();
      const guarded = restServer(url, { guarded: true, ...(healthPath !== undefined && { healthPath }) });
      expect(await createProbe().run(guarded, TIMEOUT_MS)).toMatchObject({ answered: false });
      expect(requests).toEqual([]);
    },
  );

  it.each(['rest', 'http'] as const)(
    'of a server over %s that never answers ends at its timeout',
    async (transport) => {
      const clock = new ManualClock();
      const arrived = Promise.withResolvers<void>();
      respond = () => arrived.resolve();
      const server = transport === 'rest' ? restServer(url, { healthPath: '/status' }) : remoteServer('slow', { url });
      const result = createProbe(clock).run(server, TIMEOUT_MS);
      await arrived.promise;
      await clock.advance(TIMEOUT_MS);
      expect(await result).toEqual({
        answered: false,
        latencyMs: TIMEOUT_MS,
        code: -31_004,
        reason: 'The server did not answer within 5s.',
      });
    },
  );
});

it('a probe ends the session that it opens while its server is forgotten', async () => {
  const reference = track(await startReferenceServer({ era: 'legacy', transport: 'http' }));
  const proxy = track(await startFaultProxy(reference.url));
  const url = reference.url.replace(new URL(reference.url).host, proxy.address);
  const probe = createProbe();
  proxy.blackhole('replies');
  const result = probe.run(remoteServer('ref', { url, era: 'legacy' }), TIMEOUT_MS);
  await until(() => reference.openSessions === 1);
  await probe.forget('ref');
  proxy.resume();
  expect(await result).toEqual(UP);
  await until(() => reference.openSessions === 0);
});

it('a probe hides the credentials that a server repeats in its refusal', async () => {
  const refusing = createServer((request, response) => {
    const message = `unknown key ${String(request.headers['x-key'])}`;
    response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
  }).listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  track({ close: async () => void refusing.close() });
  const url = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}/mcp`;
  const server = remoteServer('ref', { url, headers: { 'X-Key': 'opensesame' } });
  const failed = await createProbe().run(server, TIMEOUT_MS);
  expect(failed).toMatchObject({ answered: false, reason: expect.stringContaining('unknown key [hidden]') });
  expect(JSON.stringify(failed)).not.toContain('opensesame');
});
