/** @waits */
import { describe, expect, it } from '@jest/globals';
import { startToolServer } from '#lib/testing/kit';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { MARKUP, MARKUP_IN_JSON } from '../../support/markup.js';

const MAIL = 'grace@example.com';

describe('the page of guardrails', () => {
  const world = useAdminPage(async (cleanup) => {
    const server = await startToolServer({ echo: { run: ({ text }) => text as string } });
    cleanup.add(() => server.close());
    return { servers: { demo: { transport: 'http', url: server.url } } };
  });

  const button = (name: string) => world.button(name);
  const label = (name: string) => world.label(name);
  const stored = (slug: string) => world.stored(`/guardrails/${slug}`);

  /** Calls the tool at one worker, and returns what the caller received. */
  async function call(worker: number, text: string): Promise<string> {
    const token = await world.cluster.token();
    const response = await fetch(`${world.cluster.workers[worker]!.url}/servers/demo/rpc`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'echo', arguments: { text } },
      }),
    });
    return response.text();
  }

  it('adds one that observes, tries it on a text, and enforces it', async () => {
    const { page } = world;
    await world.open('/guardrails');
    await page.getByText('There is no guardrail yet.').waitFor();
    await page.getByRole('link', { name: 'Add a guardrail' }).first().click();
    await label('Name (required)').fill('no-mail');
    await label('Check').selectOption('personal-data');
    await label('Description').fill(MARKUP);
    await label('results').check();
    await label('Value').fill(`Ask ${MAIL}`);
    await button('Try').click();
    await page.getByRole('cell', { name: 'Ask [email]' }).waitFor();
    expect(await stored('no-mail')).toMatchObject({ status: 404 });
    expect(await accessibilityFaults(page)).toEqual([]);
    await button('Review and create').click();
    await button('Create').click();
    await page.getByText(MARKUP).waitFor();
    expect(await stored('no-mail')).toMatchObject({
      entry: { check: 'personal-data', mode: 'observe', phases: ['results'] },
    });

    await label('Value').fill(`Write to ${MAIL} ${MARKUP}`);
    await button('Try').click();
    await page.getByRole('status').getByText('changed').waitFor();
    await page.getByRole('cell', { name: `Write to [email] ${MARKUP_IN_JSON}` }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);

    await button('enforce').click();
    await page.getByText('The mode of no-mail is enforce.').waitFor();
    expect(await stored('no-mail')).toMatchObject({ entry: { mode: 'enforce' } });
  });

  it('shows what it did at all workers, in the order in which they run', async () => {
    const { page } = world;
    for (const worker of [0, 1]) expect(await call(worker, `Write to ${MAIL}`)).not.toContain(MAIL);
    expect(await call(0, 'nothing to see')).toContain('nothing to see');
    const entry = { check: 'size', mode: 'observe', order: -1, options: {} };
    const made = await world.admin.send(world.first, 'POST', '/guardrails', {
      body: { slug: 'small', entry },
    });
    expect(made).toMatchObject({ status: 201 });
    await world.open('/guardrails');
    await page.reload();
    await page.getByText('changed 2').waitFor();
    await page.getByText('passed 1').waitFor();
    const names = await page.getByRole('row').allTextContents();
    expect(names.slice(1).map((text) => text.slice(0, 5))).toEqual(['small', 'no-ma']);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('row', { name: /no-mail/ }).click();
    await page.getByRole('cell', { name: '2', exact: true }).waitFor();
  });

  it('offers an auditor neither changes nor a trial', async () => {
    const { page } = world;
    await world.loginAs('auditor');
    await world.open('/guardrails/no-mail');
    await page.getByText('Decisions in the last hour').waitFor();
    expect(await page.getByRole('button', { name: /^(Try|enforce|Delete)$/ }).count()).toBe(0);
  });
});
