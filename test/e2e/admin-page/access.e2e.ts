/** @waits */
import { describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { MARKUP } from '../../support/markup.js';
import { until } from '../../support/until.js';

describe('the page of access', () => {
  const world = useAdminPage(async (cleanup) => {
    const server = await startReferenceServer({ era: 'modern', transport: 'http' });
    cleanup.add(() => server.close());
    return { servers: { demo: { transport: 'http', url: server.url } } };
  });

  const button = (name: string) => world.button(name);
  const label = (name: string) => world.label(name);

  /** Lists the tools at an endpoint of the other worker, and returns the status. */
  async function listTools(token: string): Promise<number> {
    const response = await fetch(`${world.second.url}/servers/demo/rpc`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
    });
    await response.arrayBuffer();
    return response.status;
  }

  async function explain(): Promise<void> {
    await button('Explain').click();
    await world.page.getByText('Gates, in their order').waitFor();
  }

  it('explains a policy, checks its condition while it is written, and mends it', async () => {
    const { page } = world;
    expect(await listTools(await world.cluster.token())).toBe(200);
    await world.open('/access');
    await page.getByText('There is no policy yet.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Add a policy' }).first().click();
    await label('Name (required)').fill('closed');
    await label('Effect').selectOption('deny');
    await label('Description').fill(MARKUP);
    await label('Tools').fill('echo');
    await label('Condition').fill('has(args.text) &&\n  txt == "no"');
    await page.getByText('Line 2, column 3: Unknown variable: txt').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await label('Condition').fill('!has(args.text) ||\n  args.text == "no"');
    await page.getByText('Valid. It reads arguments').waitFor();
    await button('Review and create').click();
    await button('Create').click();
    await page.getByText(MARKUP).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await world.stored('/policies/closed')).toMatchObject({ entry: { effect: 'deny', tools: ['echo'] } });

    await page.getByRole('link', { name: 'Explain a call' }).click();
    await label('Subject (required)').fill('ada');
    await label('Server (required)').selectOption('demo');
    await label('Tool (required)').fill('echo');
    await label('Arguments').fill('{"text": "no"}');
    await explain();
    await page.getByText('The call is refused').waitFor();
    await page.getByText('The policy closed denies it.').first().waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);

    await page.getByRole('link', { name: 'closed', exact: true }).click();
    await page.getByRole('link', { name: 'Edit' }).click();
    await label('Condition').fill('args.text == "never"');
    await button('Review and save').click();
    await button('Save').click();
    await page.getByRole('heading', { name: 'closed', level: 1, exact: true }).waitFor();
    await world.open('/access/explain?subject=ada&server=demo&name=echo&args=%7B%22text%22%3A%22no%22%7D');
    await explain();
    await page.getByText('The call is admitted').waitFor();
  });

  it('shows a new token once, and no endpoint accepts it after it is revoked', async () => {
    const { page } = world;
    await world.open('/access/tokens');
    await page.getByRole('link', { name: 'Create a token' }).first().click();
    await label('Title (required)').fill(`nightly ${MARKUP}`);
    await label('Servers').fill('demo');
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Create').click();
    const token = (await page.getByText(/^isthmus_pat_/).textContent()) ?? '';
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await listTools(token)).toBe(200);
    await page.getByRole('link', { name: 'Done' }).click();
    await page.getByRole('heading', { name: `nightly ${MARKUP}`, level: 1, exact: true }).waitFor();
    expect(await page.content()).not.toContain(token);
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Revoke').click();
    await world.confirm('Revoke');
    await page.getByText('There is no token yet.').waitFor();
    await until(async () => (await listTools(token)) === 401);
  });

  it('adds teams with their members, and limits', async () => {
    const { page } = world;
    await world.open('/access/teams/-/new');
    await label('Name (required)').fill('finance');
    await label('Members').fill('grace\nada');
    await label('Roles').fill('payer');
    await button('Review and create').click();
    await button('Create').click();
    await page.getByRole('heading', { name: 'finance', level: 1, exact: true }).waitFor();
    expect(await world.stored('/teams/finance')).toMatchObject({
      entry: { members: ['grace', 'ada'], roles: ['payer'] },
    });
    expect(await accessibilityFaults(page)).toEqual([]);
    await world.open('/access/limits/-/new');
    await label('Name (required)').fill('fair-use');
    await label('Rate').fill('many');
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Review and create').click();
    await button('Create').click();
    await page
      .getByRole('alert')
      .getByText(/rate: /)
      .first()
      .waitFor();
    await label('Rate').fill('60/1m');
    await button('Review and create').click();
    await button('Create').click();
    await page.getByRole('heading', { name: 'fair-use', level: 1, exact: true }).waitFor();
    expect(await world.stored('/limits/fair-use')).toMatchObject({ entry: { per: ['principal'], rate: '60/1m' } });
  });

  it('offers a user nothing but the own tokens', async () => {
    const { page } = world;
    await world.loginAs('user');
    await world.open('/access');
    await page.getByRole('heading', { name: 'Personal access tokens', level: 1, exact: true }).waitFor();
    expect(await page.getByRole('navigation', { name: 'Access' }).getByRole('link').allTextContents()).toEqual([
      'Tokens',
    ]);
  });
});
