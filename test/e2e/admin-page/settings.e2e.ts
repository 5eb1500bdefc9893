/** @waits */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { MARKUP, MARKUP_IN_JSON } from '../../support/markup.js';

const SECRET = 'secret-of-the-metrics-0123456789';

describe('the page of settings', () => {
  const world = useAdminPage(() => ({ servers: {}, env: { ISTHMUS_METRICS_TOKEN: SECRET } }));

  beforeAll(async () => {
    await create('/teams', 'finance', { title: MARKUP, members: ['ada'] });
    await create('/teams', 'audit', {});
  });

  const button = (name: string) => world.button(name);
  const label = (name: string) => world.label(name);
  const titleOf = async (slug: string) =>
    ((await world.stored(`/teams/${slug}`))['entry'] as { title?: string } | undefined)?.title;

  async function create(collection: string, slug: string, entry: object): Promise<void> {
    expect(await world.admin.send(world.second, 'POST', collection, { body: { slug, entry } })).toMatchObject({
      status: 201,
    });
  }

  it('shows the effective settings without secrets', async () => {
    const { page } = world;
    await world.open('/settings');
    await page.getByRole('searchbox').fill('metrics_token');
    await page.getByText('ISTHMUS_METRICS_TOKEN').first().waitFor();
    expect(await page.content()).not.toContain(SECRET);
    await page.getByRole('searchbox').fill('');
    await label('Shown').selectOption('changed');
    await page.getByText('ISTHMUS_DATA_DIR').waitFor();
    expect(await page.getByText('ISTHMUS_MAX_CHILD_PROCESSES').count()).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('exports, shows what an import would change, and refuses it after a change of somebody else', async () => {
    const { page } = world;
    await page.getByRole('link', { name: 'Export' }).click();
    expect(await accessibilityFaults(page)).toEqual([]);
    const [download] = await Promise.all([page.waitForEvent('download'), button('Download').click()]);
    const exported = JSON.parse(await readFile(await download.path(), 'utf8')) as { entries: { teams: object } };
    const changed = {
      ...exported,
      entries: { teams: { finance: { title: `Money ${MARKUP}`, members: ['ada'] }, sales: { title: 'Sales' } } },
    };

    await page.getByRole('link', { name: 'Import' }).click();
    await label('File').setInputFiles({
      name: 'isthmus.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(changed)),
    });
    await label('Delete the entries of the admin API that the document does not have').check();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Show the changes').click();
    for (const path of ['teams.sales', 'teams.finance', 'teams.audit'])
      await page.getByText(path, { exact: true }).waitFor();
    await page.getByRole('cell', { name: `Money ${MARKUP_IN_JSON}` }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await titleOf('finance')).toBe(MARKUP);

    await create('/teams', 'support', {});
    await button('Import').click();
    await page.getByText('Somebody else has changed the configuration meanwhile.', { exact: false }).waitFor();
    await page.getByText('teams.support', { exact: true }).waitFor();
    expect(await titleOf('finance')).toBe(MARKUP);

    await button('Import').click();
    await page.getByText('Imported: 1 created, 1 updated, 2 deleted.').waitFor();
    expect([await titleOf('finance'), await titleOf('sales'), await titleOf('support')]).toEqual([
      `Money ${MARKUP}`,
      'Sales',
      undefined,
    ]);
  });
});
