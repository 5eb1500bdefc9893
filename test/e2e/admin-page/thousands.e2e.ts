/** A server with ten thousand tools on the page of tools. @waits */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { useAdminPage } from '../../support/admin-page.js';
import { connectV2 } from '../../support/sdk-v2.js';
import { until } from '../../support/until.js';

const TOOLS = 10_000;
/** Rows that may exist in the document: those that fit into the window, and some beyond both ends. */
const MAX_ROWS = 100;
const FRESH = { resultType: 'complete', ttlMs: 3_600_000, cacheScope: 'public' };

const RESULTS: Readonly<Record<string, object>> = {
  'server/discover': {
    ...FRESH,
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    serverInfo: { name: 'many', version: '1.0.0' },
  },
  'tools/list': {
    ...FRESH,
    tools: Array.from({ length: TOOLS }, (_, index) => ({
      name: `tool_${String(index).padStart(4, '0')}`,
      description: `Looks up entry ${index}.`,
      inputSchema: { type: 'object' },
    })),
  },
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const { id, method } = JSON.parse(await text(request)) as { id?: number; method: string };
  const result = RESULTS[method];
  const outcome = result ? { result } : { error: { code: -32_601, message: 'Method not found' } };
  response.writeHead(result ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: id ?? null, ...outcome }));
}

async function startServer(): Promise<Server> {
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('the page of ten thousand tools', () => {
  const world = useAdminPage(async (cleanup) => {
    const server = await startServer();
    cleanup.add(() => server.close());
    cleanup.add(() => server.closeAllConnections());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    return { servers: { many: { transport: 'http', url } } };
  });

  beforeAll(async () => {
    const { first } = world;
    const client = await connectV2({
      mode: 'auto',
      path: 'mcp',
      url: `${first.url}/mcp`,
      token: await world.cluster.token(),
    });
    await client.list('tools');
    await client.close();
    await until(async () => (await world.admin.get(first, '/tools/many/tool_9999')).status === 200);
  });

  const row = (name: string) => world.page.getByRole('row', { name });
  const rowCount = () => world.page.getByRole('row').count();

  it('finds one among them by its name', async () => {
    const { page } = world;
    await world.open('/items');
    await row('tool_0000').waitFor();
    expect(await rowCount()).toBeLessThan(MAX_ROWS);
    await page.getByLabel('Search tools').fill('tool_9876');
    await row('tool_9876').click();
    await page.getByRole('heading', { name: 'tool_9876', level: 1 }).waitFor();
  });

  it('reads more of them when it is scrolled, and holds few rows nevertheless', async () => {
    const { page } = world;
    await world.open('/items');
    await row('tool_0000').focus();
    for (const seen of ['tool_0199', 'tool_0399', 'tool_0599']) {
      await until(async () => {
        await page.keyboard.press('PageDown');
        return (await row(seen).count()) > 0;
      });
      expect(await rowCount()).toBeLessThan(MAX_ROWS);
    }
    expect(await row('tool_0000').count()).toBe(0);
  });
});
