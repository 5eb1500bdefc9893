/** @waits */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import type { JsonObject } from '#lib/mcp-protocol';
import { HAS_BROWSER, runPage } from '../support/browser.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

const SCRIPT = join(import.meta.dirname, '../support/browser-page.ts');
const CLIENTS = ['v1 over streamable HTTP', 'v1 over HTTP+SSE', 'v2 legacy', 'v2 auto'];

let server: ReferenceServer;
let gateway: TestGateway;

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
  gateway = await startGateway({
    servers: { demo: { transport: 'http', url: server.url } },
  });
});

afterAll(async () => {
  await gateway.close();
  await server.close();
});

(HAS_BROWSER ? describe : describe.skip)('a page in Chromium', () => {
  it('of another origin on this machine uses the gateway with every official client', async () => {
    const options = { url: gateway.url, token: await gateway.token(), tool: 'demo__add', args: { a: 19, b: 23 } };
    const report = await runPage({ script: SCRIPT, options });
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
