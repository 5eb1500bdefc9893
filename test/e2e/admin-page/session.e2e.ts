/** @waits */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { serveSite, type StaticSite } from '../../support/static-site.js';
import { until } from '../../support/until.js';

interface Target {
  /** `http://127.0.0.1:port/admin` */
  readonly admin: string;
  readonly body: string;
}

/** Runs in a page of another origin. Returns what it could read of the answers. */
async function attack({ admin, body }: Target): Promise<readonly string[]> {
  const tries: readonly [string, RequestInit][] = [
    ['/v1/servers', {}],
    ['/ui/session', {}],
    ['/v1/servers', { method: 'POST', mode: 'no-cors', body }],
    ['/ui/mcp/mcp', { method: 'POST', mode: 'no-cors', body }],
    ['/v1/servers', { method: 'POST', headers: { 'content-type': 'application/json' }, body }],
    ['/ui/session', { method: 'DELETE' }],
  ];
  const readable: string[] = [];
  for (const [path, init] of tries)
    await fetch(admin + path, { ...init, credentials: 'include' })
      .then((response) => response.text())
      .then(
        (text) => text !== '' && readable.push(text),
        () => undefined,
      );
  return readable;
}

describe('the session of the admin page', () => {
  let foreign: StaticSite;
  const world = useAdminPage();

  beforeAll(async () => {
    const action = world.url.replace('/ui/', '/v1/servers');
    const form = `<form method="post" enctype="text/plain" action="${action}"><button>Win</button></form>`;
    foreign = await serveSite(new Map([['/', `<!doctype html><title>Another page</title>${form}`]]));
    world.cleanup.add(() => foreign.close());
  });

  it.each([
    ['another site', 'localhost', 401],
    ['another port of the same host, to which the browser sends the cookie', '127.0.0.1', 403],
  ])('is of no use to a page of %s', async (_page, hostname, status) => {
    const own = world.page;
    const server = { slug: `of-${hostname}`, entry: { transport: 'http', url: 'https://mcp.example.com/' } };
    const page = await own.context().newPage();
    const answers: number[] = [];
    page.on('response', (response) => {
      if (response.request().method() === 'POST') answers.push(response.status());
    });
    await page.goto(Object.assign(new URL(foreign.url), { hostname }).href);
    const readable = await page.evaluate(attack, {
      admin: world.url.replace('/ui/', ''),
      body: JSON.stringify(server),
    });
    expect(readable).toEqual([]);
    await page.getByRole('button', { name: 'Win' }).click();
    await page.waitForURL(`${new URL(world.url).origin}/**`);
    // Two requests that need no preflight, and the form.
    expect(answers).toEqual([status, status, status]);
    await page.close();
    expect((await world.admin.get(world.first, `/servers/${server.slug}`)).status).toBe(404);
    await world.open('/servers');
    await own.getByRole('heading', { name: 'Servers', level: 1 }).waitFor();
  });

  /** Logs in without the page. Returns the cookie of the session. */
  async function openSession(order: { readonly roles: string[]; readonly expiresInSeconds?: number }) {
    const { origin } = new URL(world.url);
    const response = await fetch(new URL('session', world.url), {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: JSON.stringify({ token: await world.cluster.token({ subject: 'eve', ...order }) }),
    });
    const [, name = '', value = ''] = /^([^=]+)=([^;]+)/.exec(response.headers.getSetCookie()[0] ?? '') ?? [];
    return { name, value, path: '/admin', domain: '127.0.0.1', httpOnly: true, sameSite: 'Strict' as const };
  }

  it('ends at every worker for a stolen cookie when its owner logs out, and scripts cannot read the cookie', async () => {
    const { page, second } = world;
    expect(await page.evaluate('document.cookie')).toBe('');
    const cookies = (await page.context().cookies(world.url)).map(({ name, value }) => `${name}=${value}`).join('; ');
    const statusOf = async (method: string, path: string) =>
      (await fetch(`${second.url}${path}`, { method, headers: { cookie: cookies } })).status;
    expect(await statusOf('GET', '/admin/v1/servers')).toBe(200);
    expect([await statusOf('POST', '/mcp'), await statusOf('POST', '/admin/v1/servers')]).toEqual([401, 403]);
    await world.button('Log out').click();
    await world.label('Token').waitFor();
    expect(await statusOf('GET', '/admin/v1/servers')).toBe(401);
    await world.login('admin');
  });

  it('has the rights of its own role, whatever a page of another role has offered', async () => {
    const { page } = world;
    await world.open('/servers/-/new');
    await world.label('Name (required)').fill('forged');
    await world.label('url (required)').fill('https://mcp.example.com/');
    await page.context().addCookies([await openSession({ roles: ['auditor'] })]);
    await world.button('Review and create').click();
    await world.button('Create').click();
    await page.getByRole('alert').getByText('admin').first().waitFor();
    expect(await world.stored('/servers/forged')).toMatchObject({ status: 404 });
    await world.open('/servers');
    await page.getByText('There is no server yet.').waitFor();
    expect(await page.getByText('Add a server').count()).toBe(0);
    await world.loginAs('admin');
  });

  it('ends with its token, and the page then asks for another login', async () => {
    const { page } = world;
    await page.context().addCookies([await openSession({ roles: ['auditor'], expiresInSeconds: 3 })]);
    await world.open('/servers');
    await page.getByText('There is no server yet.').waitFor();
    await until(() => page.evaluate<boolean>(`fetch('./session').then(({ status }) => status === 401)`));
    await page.getByRole('navigation').getByRole('link', { name: 'Endpoints' }).click();
    await page.getByText('Your session has ended.').waitFor();
    expect(await world.label('Token').count()).toBe(1);
    await world.login('admin');
  });

  it('can end while a form is filled in, which is still filled in after the next login', async () => {
    const { page } = world;
    await world.open('/servers/-/new');
    await page.getByLabel('Name (required)').fill('unfinished');
    await page.evaluate(`fetch('./session', { method: 'DELETE' })`);
    await page.getByRole('button', { name: 'Test the connection' }).click();
    await page.getByText('Your session has ended.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await world.login('admin');
    expect(await page.getByLabel('Name (required)').inputValue()).toBe('unfinished');
  });

  it('can end on the overview, whose figures continue after the next login', async () => {
    const { page } = world;
    const figures = page.getByText('Event loop delay');
    await world.open('/overview');
    await figures.waitFor();
    await page.evaluate(`fetch('./session', { method: 'DELETE' })`);
    await page.getByText('Your session has ended.').waitFor();
    await world.login('admin');
    await figures.waitFor();
    expect(new URL(page.url()).hash).toBe('#/overview');
  });

  it('shows why the live figures are refused', async () => {
    const { page } = world;
    const detail = 'Too many streams of live figures are open.';
    await page.route('**/admin/v1/live', (route) =>
      route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ detail }) }),
    );
    await world.open('/overview');
    const refusal = page.getByRole('alert').getByText(detail);
    await refusal.waitFor();
    await page.unroute('**/admin/v1/live');
    await page.getByText('Event loop delay').waitFor();
    expect(await refusal.count()).toBe(0);
  });

  it('is not opened by a token that the gateway does not accept', async () => {
    const { page } = world;
    await page.evaluate(`fetch('./session', { method: 'DELETE' })`);
    await world.open('/servers');
    await page.getByLabel('Token', { exact: true }).fill('not-a-token');
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('alert').getByText('Unauthorized').waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
  });
});
