/** @waits */
import { describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { MARKUP } from '../../support/markup.js';

const ERAS = ['modern', 'legacy'] as const;
/** What the tool `ask_at_once` asks, in the order in which a legacy server sends it. */
const QUESTIONS = [
  { title: 'The server asks', field: 'name (required)', reply: 'Ada', submit: 'Answer' },
  { title: 'The server asks a model', field: 'Reply in place of the model', reply: MARKUP, submit: 'Reply' },
  { title: 'The server asks for your roots', field: 'Roots', reply: 'file:///home/ada', submit: 'Answer' },
];

describe('the page to try tools', () => {
  const servers: ReferenceServer[] = [];
  const world = useAdminPage(async (cleanup) => {
    for (const era of ERAS) {
      const server = await startReferenceServer({ era, transport: 'http' });
      cleanup.add(() => server.close());
      servers.push(server);
    }
    return { servers: Object.fromEntries(servers.map(({ url }, index) => [ERAS[index], { transport: 'http', url }])) };
  });

  const button = (name: string) => world.button(name);
  const panel = (name: string) => world.page.getByRole('region', { name, exact: true });
  const open = (endpoint: string, era: string, tool: string) =>
    world.open(`/try?${new URLSearchParams({ endpoint, era, name: tool }).toString()}`);

  it('leads from the tools of an endpoint to the result of a call, and shows every kind of content as text', async () => {
    const { page } = world;
    await world.open('/try');
    await page.getByLabel('Endpoint').selectOption('/servers/modern/mcp');
    await page.getByLabel('Search tools of the endpoint').fill('Returns the text');
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('row', { name: 'echo Returns' }).click();
    await page.getByLabel('text (required)').fill(MARKUP);
    await button('Call').click();
    await panel('Result').getByText(MARKUP).waitFor();
    await page.getByText('received result').click();
    await page.getByText('"resultType"').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Choose another tool').click();
    await page.getByRole('row', { name: 'all_content' }).click();
    await button('Call').click();
    await page.locator('canvas:visible').waitFor();
    await panel('Result').getByText('This is an embedded resource content.').waitFor();
  });

  it.each(ERAS)('gets a prompt, and reads resources and templates as a %s client', async (era) => {
    const { page } = world;
    await world.open(`/try?${new URLSearchParams({ endpoint: `/servers/${era}/mcp`, era }).toString()}`);
    await page.getByLabel('Kind').selectOption('prompts');
    await page.getByRole('row', { name: 'test_prompt_with_arguments' }).click();
    await page.getByLabel('arg1 (required)').fill(MARKUP);
    await page.getByLabel('arg2 (required)').fill('two');
    await button('Get').click();
    await panel('Result').getByText(`arg1='${MARKUP}', arg2='two'`).waitFor();
    if (era === 'modern') expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByLabel('Kind').selectOption('resources');
    await page.getByRole('row', { name: 'test://static-text' }).click();
    await button('Read').click();
    await panel('Result').getByText('This is the content of the static text resource.').waitFor();
    await page.getByLabel('Kind').selectOption('resource-templates');
    expect(page.url()).not.toContain('name=');
    await page.getByRole('row', { name: 'test://template/{id}/data' }).click();
    await page.getByRole('textbox', { name: 'id', exact: true }).fill('a/b');
    await page.getByText('URI: test://template/a%2Fb/data').waitFor();
    await page.getByRole('textbox', { name: 'id', exact: true }).fill('7');
    await button('Read').click();
    await panel('Result').getByText('Data for ID: 7').waitFor();
  });

  it('shares what is tried, with its arguments, and calls nothing by itself', async () => {
    const { page } = world;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await open('/servers/modern/mcp', 'modern', 'echo');
    await page.getByLabel('text (required)').fill('shared words');
    await button('Copy link').click();
    await page.getByText('Copied').waitFor({ state: 'attached' });
    const address = await page.evaluate<string>('navigator.clipboard.readText()');
    await page.goto('about:blank');
    await page.goto(address);
    await page.getByLabel('text (required)').waitFor();
    expect(await page.getByLabel('text (required)').inputValue()).toBe('shared words');
    await panel('Result').getByText('The result appears here').waitFor();
  });

  // The endpoint of all servers, and servers of the other era: the gateway translates.
  it.each([
    ['modern', 'modern'],
    ['legacy', 'legacy'],
    ['modern', 'legacy'],
    ['legacy', 'modern'],
  ])('answers the questions of a tool in the page as a %s client of a %s server', async (era, server) => {
    const { page } = world;
    await open('/mcp', era, `${server}__ask_at_once`);
    await button('Call').click();
    if (era === 'legacy' && era === server) {
      await Promise.all(QUESTIONS.map(({ title }) => panel(title).waitFor()));
      expect(await accessibilityFaults(page)).toEqual([]);
    }
    // A legacy server sends its questions one by one: those that arrive late are in the next result for a modern client.
    for (const { title, field, reply, submit } of QUESTIONS) {
      await panel(title).getByLabel(field).fill(reply);
      await panel(title).getByRole('button', { name: submit }).click();
    }
    await panel('Result').getByText(`Ada | ${MARKUP} | file:///home/ada`).waitFor();
    expect(await panel('The server asks').count()).toBe(0);
  });

  it.each(ERAS)('declines to open an address that a tool asks for as a %s client', async (era) => {
    await open(`/servers/${era}/mcp`, era, 'ask_url');
    await button('Call').click();
    const link = world.page.getByRole('link', { name: 'https://example.com/sign-in' });
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer');
    await button('Decline').click();
    await panel('Result').getByText('visit: decline').waitFor();
  });

  it.each(ERAS)('shows log messages, and whether a failed call has run, as a %s client', async (era) => {
    const { page } = world;
    const endpoint = `/servers/${era}/mcp`;
    await open(endpoint, era, 'log_at_levels');
    await button('Call').click();
    await page.getByRole('list', { name: 'Log messages' }).getByText('error').first().waitFor();
    await open(endpoint, era, 'throw_error');
    await page.getByLabel('code (required)').fill('-32050');
    await page.getByLabel('message (required)').fill(MARKUP);
    await button('Call').click();
    await panel('No result').getByText(MARKUP).first().waitFor();
    await panel('No result').getByText('answered it with an error.').waitFor();
    await open(endpoint, era, 'hold');
    await page.getByLabel('key (required)').fill('nobody');
    await button('Call').click();
    await servers[ERAS.indexOf(era)]!.calls.until('hold', 'started');
    await button('Cancel').click();
    await panel('Cancelled').getByText('The call may have run.').waitFor();
    await servers[ERAS.indexOf(era)]!.calls.until('hold', 'cancelled');
    expect(await button('Call').isEnabled()).toBe(true);
  });

  it('says that a call did not run when the gateway refuses it', async () => {
    const { page, admin } = world;
    await open('/servers/modern/mcp', 'modern', 'add');
    await page.getByLabel('a (required)').fill('1');
    await page.getByLabel('b (required)').fill('2');
    await admin.send(world.first, 'POST', '/tools/modern/add/disable');
    await button('Call').click();
    await panel('No result').getByText('so nothing has run.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
