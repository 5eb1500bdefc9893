/** @waits */
import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { MARKUP } from '../../support/markup.js';
import { RoamingClient } from '../../support/roaming-client.js';
import { until } from '../../support/until.js';

describe('the page of calls and the audit log', () => {
  let server: ReferenceServer;
  const world = useAdminPage(async (cleanup) => {
    server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    cleanup.add(() => server.close());
    const entry = { transport: 'http', url: server.url, audit: 'all', auditArguments: true };
    return { servers: { ref: entry }, env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' } };
  });

  /** The only record of the calls of a subject, once its worker has written it. */
  async function recordOf(subject: string): Promise<JsonObject & { readonly call: JsonObject; chain: JsonObject }> {
    const path = `/audit?kind=call&subject=${encodeURIComponent(subject)}`;
    const find = async () => (await world.admin.get(world.first, path)).json['items'] as JsonObject[];
    await until(async () => (await find()).length === 1);
    return (await find())[0] as JsonObject & { call: JsonObject; chain: JsonObject };
  }

  it('says what to configure, because not all calls are recorded', async () => {
    await world.open('/calls');
    await world.page.getByText('ISTHMUS_AUDIT_CALLS=all').waitFor();
    await world.page.getByText('No call is recorded.').waitFor();
    expect(await accessibilityFaults(world.page)).toEqual([]);
  });

  it('follows a forwarded call from its client over both workers to its server', async () => {
    const { page, first, second } = world;
    const token = await world.cluster.token({ subject: MARKUP });
    const client = await RoamingClient.initialize(second, { token });
    expect(await client.callAndRead(first, 'forwarded', 'echo', { text: MARKUP })).toMatchObject({ status: 200 });
    const { call, chain } = await recordOf(MARKUP);
    await world.open(`/calls?subject=${encodeURIComponent(MARKUP)}`);
    await page.getByRole('gridcell', { name: 'echo' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('gridcell', { name: 'echo' }).click();
    const lanes = page.getByRole('region', { name: 'Timeline' }).getByRole('listitem');
    await lanes.first().waitFor();
    const [entry, owner] = [chain['worker'], call['forwardedTo']] as [string, string];
    expect(owner).toMatch(/^[\w-]{22}$/);
    expect(await lanes.allInnerTexts()).toEqual([
      expect.stringMatching(/^Client\s+waited/),
      expect.stringMatching(new RegExp(`^Gateway ${entry.slice(0, 8)}\\s+forwarded the call`)),
      expect.stringMatching(new RegExp(`^Owner ${owner.slice(0, 8)}\\s+ran the call`)),
      expect.stringMatching(/^Server ref\s+worked [\d.]+ ms/),
    ]);
    await page.getByText(call['requestId'] as string).waitFor();
    await page.getByRole('region', { name: 'Arguments as JSON' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'its calls' }).click();
    await page.getByRole('gridcell', { name: 'echo' }).waitFor();
    await client.end(first);
  });

  it('searches by tool and outcome', async () => {
    const { page } = world;
    await world.open('/calls');
    await page.getByRole('gridcell', { name: 'echo' }).waitFor();
    await page.getByLabel('Tool, prompt or URI').fill('add');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByText('Nothing matches.').waitFor();
    await page.getByLabel('Tool, prompt or URI').fill('echo');
    await page.keyboard.press('Enter');
    await page.getByRole('gridcell', { name: 'echo' }).waitFor();
    expect(page.url()).toContain('item=echo');
    await page.getByLabel('Outcome').selectOption('Refused');
    await page.getByText('Nothing matches.').waitFor();
  });

  it('shows who has changed what in the audit log', async () => {
    const { page } = world;
    const entry = { transport: 'http', url: server.url };
    await world.admin.send(world.second, 'POST', '/servers', { body: { slug: 'made', entry } });
    await world.open('/calls/audit?kind=change');
    await page.getByRole('gridcell', { name: 'POST /admin/v1/servers' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('gridcell', { name: 'POST /admin/v1/servers' }).click();
    await page.getByText('/admin/v1/servers/made', { exact: true }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: '← Audit log' }).click();
    await page.getByRole('heading', { name: 'Calls and audit', level: 1 }).waitFor();
  });
});
