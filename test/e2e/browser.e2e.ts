/** @waits */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rolldown } from 'rolldown';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { openPage, type OpenPage } from '../support/browser.js';
import type { ClientsOptions } from '../support/browser-page.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { serveSite, type StaticSite } from '../support/static-site.js';

const SCRIPT = join(import.meta.dirname, '../support/browser-page.ts');
const CLIENTS = ['v1 over streamable HTTP', 'v1 over HTTP+SSE', 'v2 legacy', 'v2 auto'];

describe('a page in Chromium', () => {
  let server: ReferenceServer;
  let gateway: TestGateway;
  let site: StaticSite;
  let opened: OpenPage;

  beforeAll(async () => {
    server = await startReferenceServer({ era: 'modern', transport: 'http' });
    gateway = await startGateway({ servers: { demo: { transport: 'http', url: server.url } } });
    const files = { '/': '<!doctype html><title>Clients</title>', '/page.js': await bundle(SCRIPT) };
    site = await serveSite(new Map(Object.entries(files)));
    opened = await openPage();
  });

  afterAll(async () => {
    await opened.close();
    site.close();
    await gateway.close();
    await server.close();
  });

  async function useClients(options: ClientsOptions): Promise<JsonObject> {
    await opened.page.goto(site.url);
    return opened.page.evaluate(`import('/page.js').then((page) => page.useClients(${JSON.stringify(options)}))`);
  }

  it('of another origin on this machine uses the gateway with every official client', async () => {
    const token = await gateway.token();
    const report = await useClients({ url: gateway.url, token, tool: 'demo__add', args: { a: 19, b: 23 } });
    expect(report['refusal']).toEqual({ status: 401, challenge: expect.stringContaining('resource_metadata=') });
    expect(report['v2 auto']).toMatchObject({ revision: '2026-07-28' });
    for (const client of CLIENTS)
      expect({ client, ...(report[client] as JsonObject) }).toMatchObject({
        client,
        tools: expect.arrayContaining(['demo__add']),
        result: { structuredContent: { sum: 42 } },
      });
  });
});

/** The page's script with its imports, as one file for browsers. */
async function bundle(script: string): Promise<string> {
  const bundled = await rolldown({ input: script, platform: 'browser' });
  const { output } = await bundled.generate({ format: 'esm', codeSplitting: false });
  await bundled.close();
  return output[0].code;
}
