import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpWorld } from '../../test/support/http-world.js';
import { remoteServer } from '../../test/support/fake-upstream.js';

let world: HttpWorld;

beforeAll(async () => {
  world = await HttpWorld.open([remoteServer('secret-server')]);
});

afterAll(() => world.close());

async function pageFor(accept: string) {
  const answer = await fetch(world.url, { headers: { accept } });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
}

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

describe('GET /', () => {
  it.each([
    ['a browser', BROWSER, 'text/html; charset=utf-8'],
    ['a program', 'application/json', 'application/json; charset=utf-8'],
    ['curl', '*/*', 'text/plain; charset=utf-8'],
  ])('tells %s, without a token, what runs here and where to go', async (_who, accept, type) => {
    const page = await pageFor(accept);
    expect(page).toMatchObject({ status: 200, type });
    for (const place of [
      'Model Context Protocol',
      '/mcp',
      '/rpc',
      '/sse',
      '/servers/',
      '/admin/v1/docs',
      '/health/ready',
    ])
      expect(page.text).toContain(place);
  });

  it('names nothing of the installation', async () => {
    for (const accept of [BROWSER, 'application/json', '*/*']) {
      expect((await pageFor(accept)).text).not.toMatch(/secret-server|127\.0\.0\.1|\d+\.\d+\.\d+/);
    }
  });

  it('links to pages that open without a token', async () => {
    const { text } = await pageFor(BROWSER);
    const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, path = '']) => path);
    expect(links).toContain('/admin/v1/docs');
    for (const path of links)
      expect({ path, status: (await fetch(world.url + path)).status }).toEqual({ path, status: 200 });
  });

  it('has JSON whose paths lead to what they say', async () => {
    const { endpoints, admin, health } = JSON.parse((await pageFor('application/json')).text) as Page;
    expect((await fetch(world.url + endpoints.rpc, { method: 'POST' })).status).toBe(401);
    expect((await fetch(world.url + admin.openapi)).status).toBe(401);
    expect(await (await fetch(world.url + health.ready)).json()).toEqual({ status: 'ready' });
  });
});

interface Page {
  readonly endpoints: { readonly rpc: string };
  readonly admin: { readonly openapi: string };
  readonly health: { readonly ready: string };
}
