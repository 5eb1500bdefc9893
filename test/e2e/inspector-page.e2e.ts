/** @waits */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { openPage, type OpenPage } from '../support/browser.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { InspectorPage } from '../support/inspector-page.js';
import { readSite, serveSite, type StaticSite } from '../support/static-site.js';

const PACKAGE = createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector-client/package.json');
const BUILT_PAGE = join(PACKAGE, '../dist');

describe("the Inspector's page without its backend", () => {
  let server: ReferenceServer;
  let gateway: TestGateway;
  let site: StaticSite;
  let opened: OpenPage;
  let inspector: InspectorPage;

  beforeAll(async () => {
    server = await startReferenceServer({ era: 'modern', transport: 'http' });
    gateway = await startGateway({ servers: { demo: { transport: 'http', url: server.url } } });
    site = await serveSite(await readSite(BUILT_PAGE));
  });

  beforeEach(async () => {
    opened = await openPage();
    inspector = new InspectorPage(opened.page);
    await opened.page.goto(site.url);
  });

  afterEach(() => opened.close());

  afterAll(async () => {
    site.close();
    await gateway.close();
    await server.close();
  });

  it.each([
    { transport: 'Streamable HTTP', path: '/mcp' },
    { transport: 'SSE', path: '/sse' },
  ] as const)('lists tools and calls one over a direct $transport connection', async ({ transport, path }) => {
    await inspector.connect({ transport, url: `${gateway.url}${path}`, token: await gateway.token() });
    await inspector.listTools();
    const result = await inspector.callTool('Add', { a: 19, b: 23 });
    expect(result).toContain('Tool Result: Success Structured Content: { sum: 42 }');
  });
});
