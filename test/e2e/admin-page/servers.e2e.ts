/** @waits */
import { describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { MARKUP } from '../../support/markup.js';

/** One operation becomes a tool; the other one replies with a stream, which no tool can return. */
const PETS = {
  openapi: '3.0.3',
  info: { title: 'Pets', version: '1' },
  servers: [{ url: 'http://127.0.0.1:9' }],
  paths: {
    '/pets': { get: { operationId: 'listPets', responses: { 200: { description: 'All pets.' } } } },
    '/news': {
      get: {
        operationId: 'followNews',
        responses: { 200: { description: 'News as they happen.', content: { 'text/event-stream': {} } } },
      },
    },
  },
};

/** A bundle, which is not imported, a remote that nobody needs, and one that needs a token. */
const registryServer = (url: string) => ({
  name: 'com.example/station',
  title: 'Station',
  packages: [{ registryType: 'mcpb', identifier: 'https://example.com/a.mcpb', transport: { type: 'stdio' } }],
  remotes: [
    { type: 'sse', url: 'https://mcp.example.com/sse' },
    {
      type: 'streamable-http',
      url,
      headers: [
        {
          name: 'Authorization',
          value: 'Bearer {token}',
          variables: {
            token: { description: `The token ${MARKUP}`, isRequired: true, isSecret: true },
          },
        },
        { name: 'X-Region', choices: ['eu', 'us'] },
      ],
    },
  ],
});

describe('the pages of servers', () => {
  let server: ReferenceServer;
  const world = useAdminPage(async (cleanup) => {
    server = await startReferenceServer({ era: 'modern', transport: 'http' });
    cleanup.add(() => server.close());
    return { servers: {}, env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' } };
  });

  const button = (name: string) => world.button(name);
  const stored = (slug: string) => world.stored(`/servers/${slug}`);

  it('lead from an empty installation to a tested and saved server', async () => {
    const { page } = world;
    await world.open('/servers');
    await page.getByText('There is no server yet.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Add a server' }).first().click();
    await page.getByLabel('Name (required)').fill('demo');
    await page.getByLabel('url (required)').fill(server.url);
    await button('Test the connection').click();
    await page.getByText('modern, revision').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Review and create').click();
    await page.getByRole('dialog', { name: 'Create demo?' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Create').click();
    await page.getByRole('heading', { name: 'demo', level: 1, exact: true }).waitFor();
    expect(await stored('demo')).toMatchObject({ entry: { transport: 'http', url: server.url } });
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it.each(['new', 'import', 'slugs'])('show a server that is called %s', async (slug) => {
    const [worker] = world.cluster.workers;
    const entry = { transport: 'http', url: server.url, enabled: false };
    await world.admin.send(worker!, 'POST', '/servers', { body: { slug, entry } });
    await world.open(`/servers/${slug}`);
    await button('Enable').waitFor();
    expect(await world.page.getByRole('heading', { level: 1 }).innerText()).toBe(slug);
    await world.admin.send(worker!, 'DELETE', `/servers/${slug}`, { headers: { 'if-match': '*' } });
  });

  it('show the words of the API for an entry that it refuses', async () => {
    const { page } = world;
    await world.open('/servers/-/new');
    await page.getByLabel('Name (required)').fill('other');
    await page.getByLabel('url (required)').fill('ftp://example.com');
    await button('Review and create').click();
    await button('Create').click();
    await page.getByText('url: must be an http or https URL').waitFor();
    expect((await stored('other'))['status']).toBe(404);
  });

  it('show a change of somebody else instead of overwriting it', async () => {
    const { page, admin, second } = world;
    await world.open('/servers/demo/edit');
    await page.getByText('Further options').click();
    await page.getByLabel('title', { exact: true }).fill('Mine');
    const { headers } = await admin.get(second, '/servers/demo');
    const theirs = { transport: 'http', url: server.url, title: 'Theirs' };
    const change = { body: { entry: theirs }, headers: { 'if-match': headers.get('etag') ?? '' } };
    expect((await admin.send(second, 'PUT', '/servers/demo', change)).status).toBe(200);
    await button('Review and save').click();
    await page.getByRole('dialog', { name: 'Save demo?' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Save').click();
    const conflict = page.getByRole('dialog', { name: 'Somebody else has changed this' });
    await conflict.getByText('"title": "Theirs"').waitFor();
    expect(await stored('demo')).toMatchObject({ entry: theirs });
    await button('Continue with my version').click();
    await button('Review and save').click();
    await button('Save').click();
    await page.getByRole('heading', { name: 'demo', level: 1, exact: true }).waitFor();
    expect(await stored('demo')).toMatchObject({ entry: { title: 'Mine' } });
  });

  it('ask before unsaved changes are left, by a link and by the button of the browser', async () => {
    const { page } = world;
    await world.open('/servers');
    await page.getByRole('link', { name: 'Add a server' }).click();
    await page.getByLabel('Name (required)').fill('lost');
    await page.getByRole('navigation').getByRole('link', { name: 'Endpoints' }).click();
    await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByText('are not saved').waitFor();
    await button('Cancel').last().click();
    await page.goBack();
    await page.getByText('are not saved').waitFor();
    expect(page.url()).toContain('#/servers/-/new');
    await button('Discard changes').click();
    await page.getByRole('heading', { name: 'Servers', level: 1, exact: true }).waitFor();
  });

  it('disable, enable and delete a server', async () => {
    const { page } = world;
    await world.open('/servers/demo');
    await button('Disable').click();
    await world.confirm('Disable', 'Disable demo?');
    await button('Enable').waitFor();
    expect(await stored('demo')).toMatchObject({ entry: { enabled: false } });
    await button('Enable').click();
    await button('Disable').waitFor();
    await button('Delete').click();
    const question = page.getByRole('dialog', { name: 'Delete demo?' });
    await question.waitFor();
    expect(await question.evaluate((dialog) => dialog.matches(':modal') && dialog.matches(':focus-within'))).toBe(true);
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(await page.locator(':focus').innerText()).toBe('Delete');
    await button('Delete').click();
    await world.confirm('Delete', 'Delete demo?');
    await page.getByText('There is no server yet.').waitFor();
    expect(await stored('demo')).toMatchObject({ status: 404 });
  });

  it('import an OpenAPI document, and name what was left out', async () => {
    const { page } = world;
    await world.open('/servers/-/import');
    await page.getByLabel('Document (required)').fill(JSON.stringify(PETS));
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Convert').click();
    await page.getByRole('heading', { name: 'Left out' }).waitFor();
    await page.getByLabel('Name (required)').fill('pets');
    await button('Review and create').click();
    await button('Create').click();
    await page.getByRole('heading', { name: 'pets', level: 1, exact: true }).waitFor();
    expect(await stored('pets')).toMatchObject({
      entry: { transport: 'rest', tools: { listPets: expect.anything() } },
    });
  });

  it('import a server.json: choose a remote, fill in what it needs, test and save', async () => {
    const { page } = world;
    await world.open('/servers');
    await page.getByRole('link', { name: 'Import server.json' }).click();
    await page.getByLabel('File').setInputFiles({
      name: 'server.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(registryServer(server.url))),
    });
    await button('Continue').click();
    await page.getByLabel('Package or remote').selectOption('remotes[1]');
    await page.getByText(`The token ${MARKUP}.`).waitFor();
    await page.getByRole('heading', { name: 'Left out' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Continue').click();
    await page.getByText('Give a value.').waitFor();
    await page.getByLabel('token (required)').fill('t0p');
    await page.getByLabel('X-Region').selectOption('eu');
    await button('Continue').click();
    expect(await page.getByLabel('Name (required)').inputValue()).toBe('station');
    await button('Test the connection').click();
    await page.getByText('modern, revision').waitFor();
    await button('Review and create').click();
    await button('Create').click();
    await page.getByRole('heading', { name: 'station', level: 1, exact: true }).waitFor();
    const { entry } = (await stored('station')) as { entry: { headers: object } };
    expect(entry).toMatchObject({ transport: 'http', title: 'Station', url: server.url });
    expect(Object.keys(entry.headers)).toEqual(['Authorization', 'X-Region']);
  });

  it('offer an auditor nothing that changes a server', async () => {
    const { page } = world;
    await button('Log out').click();
    await world.login('auditor');
    await world.open('/servers/pets');
    await page.getByRole('heading', { name: 'Workers' }).waitFor();
    for (const act of ['Edit', 'Disable', 'Delete', 'Test', 'Refresh'])
      expect(await page.getByRole('main').getByText(act, { exact: true }).count()).toBe(0);
    await world.open('/servers');
    await page.getByRole('row', { name: /pets/ }).waitFor();
    expect(await page.getByText('Add a server').count()).toBe(0);
  });
});
