/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { startAdminPageWorld, type AdminPageWorld } from '../../support/admin-page-world.js';
import { HAS_BROWSER } from '../../support/browser.js';

(HAS_BROWSER ? describe : describe.skip)('the pages of endpoints', () => {
  let server: ReferenceServer;
  let world: AdminPageWorld;

  beforeAll(async () => {
    server = await startReferenceServer({ era: 'modern', transport: 'http' });
    world = await startAdminPageWorld({ servers: { demo: { transport: 'http', url: server.url, tags: ['office'] } } });
    const { admin, cluster } = world;
    await admin.send(cluster.workers[0]!, 'POST', '/servers/demo/test', { body: {} });
  });

  afterAll(async () => {
    expect(world.complaints).toEqual([]);
    await world.close();
    await server.close();
  });

  const button = (name: string) => world.page.getByRole('button', { name, exact: true });
  const stored = async (slug: string) =>
    (await world.admin.get(world.cluster.workers[1]!, `/virtual-servers/${slug}`)).json;
  const cell = (name: string) => world.page.getByRole('gridcell', { name, exact: true });

  it('show what a caller would see while items are picked, and save the endpoint', async () => {
    const { page } = world;
    await world.open('/endpoints');
    await page.getByText('There is no endpoint besides /mcp yet.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Add an endpoint' }).first().click();
    await page.getByLabel('Name (required)').fill('office');
    await page.getByRole('group', { name: 'Servers', exact: true }).getByLabel('demo').check();
    await cell('demo__echo').waitFor();
    await page.getByRole('group', { name: 'Tools' }).getByRole('combobox').selectOption('Only these');
    await page.getByLabel('Patterns of tools').fill('demo__ad*');
    await cell('demo__add').waitFor();
    expect(await cell('demo__echo').count()).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Review and create').click();
    await button('Create').click();
    await page.getByRole('heading', { name: 'office', level: 1 }).waitFor();
    await cell('demo__add').waitFor();
    expect(await stored('office')).toMatchObject({ entry: { servers: ['demo'], tools: ['demo__ad*'] } });
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('change the selection by tags, and delete the endpoint', async () => {
    const { page } = world;
    await world.open('/endpoints/office/edit');
    await page.getByRole('group', { name: 'Servers with a tag' }).getByLabel('office').check();
    await button('Review and save').click();
    await button('Save').click();
    await page.getByRole('link', { name: 'Edit' }).waitFor();
    expect(await stored('office')).toMatchObject({ entry: { servers: ['demo'], tags: ['office'] } });
    await button('Delete').click();
    await page.getByRole('dialog', { name: 'Delete office?' }).getByRole('button', { name: 'Delete' }).click();
    await page.getByText('There is no endpoint besides /mcp yet.').waitFor();
    expect(await stored('office')).toMatchObject({ status: 404 });
  });
});
