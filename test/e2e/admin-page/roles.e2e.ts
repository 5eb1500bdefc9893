/** Each role in a browser, logged in over an OpenID provider of another site, below a path that nginx removes. @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { freePort, startRedis } from '#lib/testing/redis-server';
import { startReferenceServer } from '#lib/testing/reference-server';
import { AdminClient } from '../../support/admin-client.js';
import { openApiOf, operationsIn, type AdminOperation } from '../../support/admin-operations.js';
import { openPage } from '../../support/browser.js';
import { Cleanup } from '../../support/cleanup.js';
import { startCluster } from '../../support/cluster.js';
import { startNginx } from '../../support/nginx.js';
import { CLIENT_ID, CLIENT_SECRET, startOpenIdProvider } from '../../support/open-id-provider.js';
import { until } from '../../support/until.js';

/** What each role is offered on the pages of servers. Undefined: it has no such page. */
const OFFERED: Readonly<Record<string, readonly string[] | undefined>> = {
  admin: ['Import an OpenAPI document', 'Add a server', 'Test', 'Refresh', 'Edit', 'Disable', 'Delete'],
  operator: ['Test', 'Refresh', 'Disable'],
  auditor: [],
  user: undefined,
};

describe('the admin page below a path, over an OpenID provider', () => {
  const cleanup = new Cleanup();
  let base: string;
  let browser: Browser;
  let operations: readonly AdminOperation[];

  beforeAll(async () => {
    const [port, providerPort] = [await freePort(), await freePort()];
    base = `http://127.0.0.1:${port}/tools`;
    const redis = await startRedis();
    cleanup.add(() => redis.stop());
    const provider = await startOpenIdProvider({
      port: providerPort,
      host: 'localhost',
      redirectUris: [`${base}/admin/ui/callback`],
      resource: base,
    });
    cleanup.add(() => provider.close());
    const server = await startReferenceServer({ era: 'modern', transport: 'http' });
    cleanup.add(() => server.close());
    const cluster = await startCluster({
      workers: 2,
      redis: redis.url,
      servers: {},
      env: {
        ISTHMUS_PUBLIC_URL: base,
        ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8',
        ISTHMUS_AUTH_JWKS_URL: `${provider.issuer}/jwks`,
        ISTHMUS_AUTH_ISSUER: provider.issuer,
        ISTHMUS_ADMIN_OPENID_ISSUER: provider.issuer,
        ISTHMUS_ADMIN_OPENID_CLIENT_ID: CLIENT_ID,
        ISTHMUS_ADMIN_OPENID_CLIENT_SECRET: CLIENT_SECRET,
        ISTHMUS_ADMIN_OPENID_RESOURCE: base,
      },
    });
    cleanup.add(() => cluster.stop());
    const gateways = cluster.workers.map(({ url }) => url);
    const nginx = await startNginx(gateways, { prefix: { path: '/tools', isRemoved: true }, port });
    cleanup.add(() => nginx.stop());
    const admin = new AdminClient(cluster, ['admin']);
    const body = { slug: 'demo', entry: { transport: 'http', url: server.url } };
    expect((await admin.send({ url: base }, 'POST', '/servers', { body })).status).toBe(201);
    operations = operationsIn(await openApiOf(admin, { url: base }));
    const opened = await openPage();
    cleanup.add(opened.close);
    browser = opened.page.context().browser()!;
  });

  afterAll(() => cleanup.run());

  /** Opens a place of the page in an empty profile, and logs in at the provider on the way there. */
  async function logIn(name: string, place: string): Promise<Page> {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${base}/admin/ui/#${place}`);
    await page.getByRole('button', { name: 'Log in with' }).click();
    await page.locator('input[name=login]').fill(name);
    await page.locator('input[name=password]').fill('x');
    await page.locator('button[type=submit]').click();
    await page.getByRole('button', { name: 'Continue' }).click();
    return page;
  }

  /** Statuses with which the API answers the page itself, without the roles that would permit the operations. */
  const answersTo = (page: Page, forbidden: readonly AdminOperation[]) =>
    page.evaluate(
      (all) =>
        Promise.all(
          all.map(async ({ verb, path }) => {
            const headers = { 'content-type': 'application/json' };
            const body = verb === 'GET' ? undefined : '{}';
            const { status } = await fetch(`../v1${path}`, { method: verb, headers, ...(body && { body }) });
            return `${status} ${verb} ${path}`;
          }),
        ),
      forbidden.map(({ verb, path }) => ({ verb, path: path.replaceAll(/\{\w+\}/g, 'demo') })),
    );

  /** The buttons and links that the content of the page offers. */
  async function offersAt(page: Page, place: string, heading: string): Promise<readonly string[]> {
    await page.goto(`${base}/admin/ui/#${place}`);
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await page.getByRole('main').getByText('demo').first().waitFor();
    const loading = page.getByRole('main').getByText(/^Loading /);
    await until(async () => (await loading.count()) === 0);
    const controls = page.getByRole('main').getByRole('button').or(page.getByRole('main').getByRole('link'));
    return controls.allInnerTexts();
  }

  it.each(Object.entries(OFFERED))('offers %s what the API permits, and nothing else', async (role, offered) => {
    const page = await logIn(role, '/servers/demo');
    const refused: string[] = [];
    page.on('response', (response) => {
      if (response.status() === 403) refused.push(response.url());
    });
    const menu = page.getByRole('navigation', { name: 'Pages' });
    await menu.waitFor();
    expect(page.url()).toBe(`${base}/admin/ui/#/servers/demo`);

    if (offered) {
      const found = [
        ...(await offersAt(page, '/servers', 'Servers')),
        ...(await offersAt(page, '/servers/demo', 'demo')),
      ];
      const allActs = OFFERED['admin'] ?? [];
      expect(found.filter((text) => allActs.includes(text)).toSorted()).toEqual(offered.toSorted());
      await page.goto(`${base}/admin/ui/#/servers/-/new`);
      const heading = offered.includes('Add a server') ? 'Add a server' : 'This page does not exist';
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    } else {
      await page.getByRole('heading', { name: 'This page does not exist', level: 1 }).waitFor();
      expect(await menu.getByRole('link', { name: 'Servers' }).count()).toBe(0);
    }
    for (const link of await menu.getByRole('link').all()) {
      await link.click();
      await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
      await until(
        async () =>
          (await page
            .getByRole('main')
            .getByText(/^Loading /)
            .count()) === 0,
      );
    }
    expect(refused).toEqual([]);
    const forbidden = operations.filter(({ roles }) => !roles.includes(role));
    expect(forbidden.length > 0).toBe(role !== 'admin');
    expect((await answersTo(page, forbidden)).filter((answer) => !answer.startsWith('403'))).toEqual([]);
    await page.context().close();
  });

  it('shows somebody without a role why the login failed', async () => {
    const page = await logIn('nobody', '/servers');
    await page.getByRole('alert').getByText('requires one of the roles: admin, operator, auditor, user').waitFor();
    expect(await page.context().cookies()).not.toContainEqual(expect.objectContaining({ sameSite: 'Strict' }));
  });
});
