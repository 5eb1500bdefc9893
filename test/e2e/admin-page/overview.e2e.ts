/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { freePort } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { startAdminPageWorld, type AdminPageWorld } from '../../support/admin-page-world.js';
import { HAS_BROWSER } from '../../support/browser.js';

const expiredToken = () => new UnsecuredJWT({}).setIssuedAt('2h ago').setExpirationTime('1h ago').encode();

(HAS_BROWSER ? describe : describe.skip)('the overview', () => {
  let server: ReferenceServer;
  let world: AdminPageWorld;

  beforeAll(async () => {
    server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    world = await startAdminPageWorld({
      servers: {
        demo: {
          transport: 'http',
          url: server.url,
          toolChanges: 'quarantine',
          headers: { authorization: `Bearer ${expiredToken()}` },
        },
        broken: { transport: 'http', url: `http://127.0.0.1:${await freePort()}/mcp`, healthInterval: '1s' },
      },
    });
  });

  afterAll(async () => {
    expect(world.complaints).toEqual([]);
    await world.close();
    await server.close();
  });

  it('shows the live figures of all workers, and leads to a server that fails', async () => {
    const { page } = world;
    await world.open('/overview');
    const figure = (name: string) => page.locator('dl > div').filter({ hasText: name }).getByRole('definition').first();
    await page.getByRole('link', { name: 'broken' }).waitFor();
    expect(await figure('Workers').innerText()).toBe('2');
    expect(await figure('Servers down').innerText()).toBe('1');
    await page.getByRole('link', { name: 'credential of the server demo' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'broken' }).click();
    await page.getByRole('heading', { name: 'broken', level: 1 }).waitFor();
    await page.getByText('ECONNREFUSED').first().waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('leads to the tools that wait for an approval', async () => {
    const { page, admin, cluster } = world;
    const list = () => admin.send(cluster.workers[1]!, 'POST', '/servers/demo/test', { body: {} });
    await list();
    server.world.setDescription('echo', 'Does something else.');
    await list();
    await world.open('/overview');
    await page.getByRole('link', { name: 'tool is quarantined until its new definition is approved' }).click();
    await page.getByRole('row', { name: 'echo' }).waitFor();
    expect(await page.getByRole('row').count()).toBe(2);
  });

  it('is the first page, and can be reached and left by keyboard', async () => {
    const { page } = world;
    await world.open('/');
    await page.reload();
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    const link = page.getByRole('navigation').getByRole('link', { name: 'Servers' });
    await link.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /demo/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'demo', level: 1 }).waitFor();
    expect(new URL(page.url()).hash).toBe('#/servers/demo');
  });
});
