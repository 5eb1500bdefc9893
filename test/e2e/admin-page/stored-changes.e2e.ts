/** @waits */
import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { useAdminPage } from '../../support/admin-page.js';
import { DATABASE_KINDS } from '../../support/databases.js';
import { MARKUP, MARKUP_IN_JSON } from '../../support/markup.js';
import { until } from '../../support/until.js';

describe.each(DATABASE_KINDS)(
  'what people change in the page, stored in $name, counts at both workers',
  ({ start }) => {
    let server: ReferenceServer;
    const world = useAdminPage(async (cleanup) => {
      server = await startReferenceServer({ era: 'modern', transport: 'http' });
      cleanup.add(() => server.close());
      const host = await start();
      cleanup.add(() => host.stop());
      const place = await host.createDatabase();
      const env = place.kind === 'postgres' ? { ISTHMUS_DATABASE_URL: place.url } : {};
      return { servers: {}, env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8', ...env } };
    });

    /** Sends a request to an endpoint of the other worker. */
    async function request(method: string, params: JsonObject, path = 'demo', token?: string): Promise<JsonObject> {
      const response = await fetch(`${world.second.url}/servers/${path}/rpc`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token ?? (await world.cluster.token())}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      });
      return { status: response.status, ...((await response.json()) as JsonObject) };
    }

    const echo = (text: string) => request('tools/call', { name: 'echo', arguments: { text } });
    const isRefused = async (code: number) => ((await echo('x'))['error'] as JsonObject | undefined)?.['code'] === code;

    it('a server, whose tool is called in the page', async () => {
      await world.open('/servers/-/new');
      await world.label('Name (required)').fill('demo');
      await world.label('url (required)').fill(server.url);
      await world.button('Review and create').click();
      await world.button('Create').click();
      await world.page.getByRole('heading', { name: 'demo', level: 1 }).waitFor();
      await world.open('/try?endpoint=%2Fservers%2Fdemo%2Fmcp&era=modern&name=echo');
      await world.label('text (required)').fill(MARKUP);
      await world.button('Call').click();
      await world.page.getByRole('region', { name: 'Result', exact: true }).getByText(MARKUP).waitFor();
      expect(await echo('there')).toMatchObject({ result: { content: [{ text: 'there' }] } });
    });

    it('a changed tool, which is quarantined, and approved after its difference was read', async () => {
      const { page } = world;
      server.world.setDescription('echo', MARKUP);
      await until(async () => {
        await request('tools/list', {});
        return (await world.stored('/tools/demo/echo'))['status'] === 'changed';
      });
      await world.open('/items?state=changed');
      await page.getByRole('row', { name: 'echo' }).click();
      await world.button('Quarantine').click();
      await world.confirm('Quarantine');
      await page.getByText('no client sees it').waitFor();
      await until(() => isRefused(-31_008));
      await page.getByText(MARKUP_IN_JSON).first().waitFor();
      await world.button('Approve the new definition').click();
      await until(async () => 'result' in (await echo('x')));
      expect(await world.stored('/tools/demo/echo')).toMatchObject({ status: 'approved' });
    });

    it('a policy, which explains a refusal until it is deleted', async () => {
      const { page } = world;
      await world.open('/access/policies/-/new');
      await world.label('Name (required)').fill('closed');
      await world.label('Effect').selectOption('deny');
      await world.label('Tools').fill('echo');
      await world.button('Review and create').click();
      await world.button('Create').click();
      await page.getByRole('heading', { name: 'closed', level: 1 }).waitFor();
      await until(async () => 'error' in (await echo('x')));
      await world.open('/access/explain?subject=tester&server=demo&name=echo');
      await world.button('Explain').click();
      await page.getByText('The policy closed denies it.').first().waitFor();
      await page.getByRole('link', { name: 'closed', exact: true }).click();
      await world.button('Delete').click();
      await world.confirm('Delete');
      await page.getByText('There is no policy yet.').waitFor();
      expect(await world.stored('/policies/closed')).toMatchObject({ status: 404 });
      await until(async () => 'result' in (await echo('x')));
    });

    it('a token, which is used and revoked', async () => {
      const { page } = world;
      await world.open('/access/tokens/new');
      await world.label('Title (required)').fill('nightly');
      await world.button('Create').click();
      const token = (await page.getByText(/^isthmus_pat_/).textContent()) ?? '';
      expect(await request('tools/list', {}, 'demo', token)).toMatchObject({ status: 200 });
      await page.getByRole('link', { name: 'Done' }).click();
      await world.button('Revoke').click();
      await world.confirm('Revoke');
      await page.getByText('There is no token yet.').waitFor();
      await until(async () => (await request('tools/list', {}, 'demo', token))['status'] === 401);
    });

    it('an endpoint, which offers the picked tools', async () => {
      const { page } = world;
      await world.open('/endpoints/-/new');
      await world.label('Name (required)').fill('office');
      await page.getByRole('group', { name: 'Servers', exact: true }).getByLabel('demo').check();
      await page.getByRole('group', { name: 'Tools' }).getByRole('combobox').selectOption('Only these');
      await page.getByLabel('Patterns of tools').fill('demo__add');
      await world.button('Review and create').click();
      await world.button('Create').click();
      await page.getByRole('heading', { name: 'office', level: 1 }).waitFor();
      const names = async () => {
        const { result } = (await request('tools/list', {}, 'office')) as { result?: { tools: { name: string }[] } };
        return result?.tools.map(({ name }) => name);
      };
      await until(async () => (await names()) !== undefined);
      expect(await names()).toEqual(['demo__add']);
    });
  },
);
