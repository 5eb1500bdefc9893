/** @waits */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';

describe('the pages of endpoints', () => {
  const world = useAdminPage(async (cleanup) => {
    const server = await startReferenceServer({ era: 'modern', transport: 'http' });
    cleanup.add(() => server.close());
    return { servers: { demo: { transport: 'http', url: server.url, tags: ['office'] } } };
  });

  beforeAll(() => world.admin.send(world.first, 'POST', '/servers/demo/test', { body: {} }));

  const button = (name: string) => world.button(name);
  const stored = (slug: string) => world.stored(`/virtual-servers/${slug}`);
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
    await page.getByLabel('Pick from tools').fill('demo__echo');
    await cell('demo__echo').waitFor();
    expect(await page.getByLabel('Patterns of tools').inputValue()).toBe('demo__ad*\ndemo__echo');
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Review and create').click();
    await button('Create').click();
    await page.getByRole('heading', { name: 'office', level: 1, exact: true }).waitFor();
    expect(await stored('office')).toMatchObject({ entry: { servers: ['demo'], tools: ['demo__ad*', 'demo__echo'] } });
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('show what one caller sees, and lead to the explanation of an item', async () => {
    const { page } = world;
    const policy = { slug: 'no-echo', entry: { effect: 'deny', tools: ['echo'], subjects: ['bob'] } };
    await world.admin.send(world.first, 'POST', '/policies', { body: policy });
    await world.open('/endpoints/office');
    await button('Show').click();
    await page.getByText('Choose a subject or a token first.').waitFor();
    await page.getByLabel('Subject (required)').fill('ada');
    await button('Show').click();
    await cell('demo__echo').waitFor();
    await page.getByLabel('Subject (required)').fill('bob');
    await button('Show').click();
    await cell('demo__echo').waitFor({ state: 'detached' });
    await cell('demo__add').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.reload();
    await cell('demo__add').click();
    await page.getByRole('heading', { name: 'Explain a call', level: 1 }).waitFor();
    await button('Explain').click();
    await page.getByText('The call is admitted').waitFor();
    await world.open('/endpoints/office?as=anonymous');
    await page.getByText('The endpoint requires a token.').waitFor();
    await page.getByRole('link', { name: 'Explain a missing item' }).click();
    expect(await page.getByLabel('Caller').inputValue()).toBe('anonymous');
    await world.admin.send(world.first, 'DELETE', '/policies/no-echo', { headers: { 'if-match': '*' } });
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
    await world.confirm('Delete', 'Delete office?');
    await page.getByText('There is no endpoint besides /mcp yet.').waitFor();
    expect(await stored('office')).toMatchObject({ status: 404 });
  });
});
