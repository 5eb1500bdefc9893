/** @waits */
import { describe, expect, it } from '@jest/globals';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';

describe('an empty installation', () => {
  const world = useAdminPage();

  const button = (name: string) => world.button(name);
  const link = (name: string) => world.page.getByRole('link', { name, exact: true });

  it('leads from the overview to the result of a first tool, without a network and without a setting', async () => {
    const { page } = world;
    await world.open('/overview');
    await page.getByText('This gateway has no server yet.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await link('Start with the sample server').click();
    expect(await page.getByLabel('Name (required)').inputValue()).toBe('sample');
    await button('Test the connection').click();
    await page.getByText('isthmus-sample').waitFor();
    await button('Review and create').click();
    await button('Create').click();
    await page.getByRole('heading', { name: 'sample', level: 1, exact: true }).waitFor();
    await link('Try add').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await link('Try add').click();
    await page.getByLabel('a (required)').fill('40');
    await page.getByLabel('b (required)').fill('2');
    await button('Call').click();
    await page.getByRole('region', { name: 'Result', exact: true }).getByText('42').waitFor();
    await world.open('/overview');
    await page.getByText('This gateway has one server.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await link('Try its first tool').click();
    await page.getByRole('row', { name: 'sample__echo' }).waitFor();
  });
});
