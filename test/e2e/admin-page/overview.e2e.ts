/** @waits */
import { describe, expect, it } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { freePort } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';

const expiredToken = () => new UnsecuredJWT({}).setIssuedAt('2h ago').setExpirationTime('1h ago').encode();

describe('the overview', () => {
  let server: ReferenceServer;
  const world = useAdminPage(async (cleanup) => {
    server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    cleanup.add(() => server.close());
    return {
      servers: {
        demo: {
          transport: 'http',
          url: server.url,
          toolChanges: 'quarantine',
          headers: { authorization: `Bearer ${expiredToken()}` },
        },
        broken: { transport: 'http', url: `http://127.0.0.1:${await freePort()}/mcp`, healthInterval: '1s' },
      },
    };
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
    const { page, admin } = world;
    const list = () => admin.send(world.second, 'POST', '/servers/demo/test', { body: {} });
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
