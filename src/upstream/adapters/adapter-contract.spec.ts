import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { referenceCommand, startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { startRestServer, type RestTestServer } from '#lib/testing/rest-server';
import { SystemClock } from '#lib/time';
import { upstreamAdapterContract, type UpstreamAdapterCases } from '#lib/testing/kit';
import type { RestServer } from '../../registry/index.js';
import { httpServer, stdioServer } from '../connector/connector-fixture.js';
import { UpstreamConfig } from '../upstream.config.js';
import { UpstreamServices } from '../upstream-services.js';
import { HttpAdapter } from './http-adapter.js';
import { RestAdapter } from './rest-adapter.js';
import { StdioAdapter } from './stdio-adapter.js';

/** Nothing listens there. */
const CLOSED_PORT = 'http://127.0.0.1:9/mcp';
const TOOL = { name: 'echo', arguments: { text: 'hello' } };

const services = () => new UpstreamServices(new UpstreamConfig(), new SystemClock());

function runContract<Entry extends object>(cases: UpstreamAdapterCases<Entry>): void {
  const checks = upstreamAdapterContract({ connectMs: scaleDeadline(10_000), ...cases });
  it.each([...checks])('$name', async ({ run }) => {
    await expect(Promise.resolve(run())).resolves.toBeUndefined();
  });
}

describe.each(['legacy', 'modern'] as const)('HttpAdapter with a %s server', (era) => {
  let server: ReferenceServer;
  beforeAll(async () => void (server = await startReferenceServer({ era, transport: 'http' })));
  afterAll(() => server.close());

  runContract({
    adapter: () => new HttpAdapter(services()),
    entry: () => httpServer(server.url),
    unreachable: () => httpServer(CLOSED_PORT),
    tool: TOOL,
  });
});

describe('StdioAdapter', () => {
  const { command, args } = referenceCommand('modern');

  runContract({
    adapter: () => new StdioAdapter(services()),
    entry: () => stdioServer(command, args),
    unreachable: () => stdioServer('/no/such/program', []),
    tool: TOOL,
  });
});

describe('RestAdapter', () => {
  let server: RestTestServer;
  beforeAll(async () => void (server = await startRestServer()));
  afterAll(() => server.close());

  const toEntry = (url: string): RestServer => {
    const inputSchema = { type: 'object', properties: { text: { type: 'string' } } };
    const tools = [{ name: 'echo', method: 'POST', path: '/echo', inputSchema }] as const;
    return { ...httpServer(url), transport: 'rest', tools };
  };

  runContract({
    adapter: () => new RestAdapter(services()),
    entry: () => toEntry(server.url),
    unreachable: () => toEntry('http://127.0.0.1:9'),
    tool: TOOL,
  });
});
