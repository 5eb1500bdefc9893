/** @waits */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { overflowOf } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { startOfficeServers, workInOffice } from '../../support/office.js';
import { NARROW, showAs } from '../../support/views.js';

const PAGES: readonly string[] = [
  '/overview',
  '/servers',
  '/servers/tickets',
  '/servers/tickets/edit',
  '/servers/-/new',
  '/servers/-/import',
  '/servers/-/import/server-json',
  '/endpoints',
  '/endpoints/office',
  '/endpoints/office/edit',
  '/endpoints/-/new',
  '/items',
  '/items/tools/tickets?name=close_ticket',
  '/items/tools/documents?name=read_document',
  '/try',
  '/try?endpoint=%2Fservers%2Ftickets%2Fmcp&era=modern&name=create_ticket',
  '/sessions',
  '/sessions/parked-calls',
  '/sessions/approvals',
  '/sessions/workers',
  '/connections',
  '/calls',
  '/calls/audit',
  '/access/policies',
  '/access/policies/closing-is-for-support',
  '/access/policies/closing-is-for-support/edit',
  '/access/explain?subject=ada&server=tickets&name=close_ticket',
  '/access/teams',
  '/access/teams/support',
  '/access/tokens',
  '/access/tokens/new',
  '/access/limits',
  '/access/limits/fair-use',
  '/guardrails',
  '/guardrails/no-addresses',
  '/guardrails/-/new',
  '/settings',
  '/settings/export',
  '/settings/import',
];

/** Pages of one thing whose id is known only when it exists: the list, and the row that leads there. */
const FIRST_ROWS: readonly string[] = [
  '/sessions',
  '/sessions/parked-calls',
  '/connections',
  '/calls?server=documents',
  '/calls/audit',
  '/access/tokens',
];

describe('the admin page in a narrow window', () => {
  const world = useAdminPage((cleanup) => startOfficeServers(cleanup));

  beforeAll(async () => {
    await workInOffice(world);
    await showAs(world.page, { width: NARROW, colorScheme: 'dark' });
  });

  /** Resolves when the page has read what it shows. */
  async function read(): Promise<void> {
    await world.page.getByRole('heading', { level: 1 }).waitFor();
    await expect(world.page.getByRole('heading', { name: 'This page does not exist' }).count()).resolves.toBe(0);
    await world.page
      .getByRole('main')
      .getByText(/^Loading /)
      .first()
      .waitFor({ state: 'detached' });
  }

  it.each(PAGES)('shows the whole width of %s', async (path) => {
    await world.open(path);
    await read();
    expect(await overflowOf(world.page)).toEqual([]);
  });

  it.each(FIRST_ROWS)('shows the whole width of what a row of %s opens', async (path) => {
    await world.open(path);
    await world.page.getByRole('row').nth(1).click();
    await world.page.getByRole('main').getByRole('link', { name: '←' }).waitFor();
    await read();
    expect(await overflowOf(world.page)).toEqual([]);
  });

  it('shows the whole width when it explains why a call is refused', async () => {
    await world.open('/access/explain?subject=ada&server=tickets&name=close_ticket&args=%7B%7D');
    await world.button('Explain').click();
    await world.page.getByText('Gates, in their order').scrollIntoViewIfNeeded();
    expect(await overflowOf(world.page)).toEqual([]);
  });

  it('shows the whole width of the login', async () => {
    await world.page.context().clearCookies();
    await world.open('/servers');
    await world.label('Token').waitFor();
    expect(await overflowOf(world.page)).toEqual([]);
  });
});
