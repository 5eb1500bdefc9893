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
  it('leads a browser to the admin page', async () => {
    const { status, headers } = await fetch(world.url, { headers: { accept: BROWSER }, redirect: 'manual' });
    expect([status, headers.get('location'), headers.get('vary')]).toEqual([302, '/admin/ui/', 'Accept, Origin']);
  });

  it.each([
    ['a program', 'application/json', 'application/json; charset=utf-8'],
    ['curl', '*/*', 'text/plain; charset=utf-8'],
  ])('describes the gateway and its endpoints to %s without a token', async (_who, accept, type) => {
    const page = await pageFor(accept);
    expect(page).toMatchObject({ status: 200, type });
    for (const place of [
      'Model Context Protocol',
      '/mcp',
      '/rpc',
      '/sse',
      '/servers/',
      '/admin/ui/',
      '/admin/v1/docs',
      '/health/ready',
    ])
      expect(page.text).toContain(place);
  });

  it('reveals no server, address or version of the installation', async () => {
    for (const accept of ['application/json', '*/*']) {
      expect((await pageFor(accept)).text).not.toMatch(/secret-server|127\.0\.0\.1|\d+\.\d+\.\d+/);
    }
  });

  it('returns JSON whose paths lead to the named endpoints', async () => {
    const { endpoints, admin, health } = JSON.parse((await pageFor('application/json')).text) as Page;
    expect((await fetch(world.url + endpoints.rpc, { method: 'POST' })).status).toBe(401);
    expect((await fetch(world.url + admin.openapi)).status).toBe(401);
    expect((await fetch(world.url + admin.documentation)).status).toBe(200);
    expect(await (await fetch(world.url + health.ready)).json()).toEqual({ status: 'ready' });
  });
});

interface Page {
  readonly endpoints: { readonly rpc: string };
  readonly admin: { readonly openapi: string; readonly documentation: string };
  readonly health: { readonly ready: string };
}
