/** Each role in a browser, logged in over an OpenID provider of another site, below a path that nginx removes. @waits */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { openApiOf, operationsIn, type AdminOperation } from '../../support/admin-operations.js';
import { ACTS, FORMS, offeredActs } from '../../support/offered-acts.js';
import { startOfficeServers, workInOffice } from '../../support/office.js';
import { OpenIdAdminPage } from '../../support/open-id-admin-page.js';
import { until } from '../../support/until.js';

const ROLES = ['admin', 'operator', 'auditor', 'user'];

describe('the admin page below a path, over an OpenID provider', () => {
  const world = new OpenIdAdminPage();
  let operations: readonly AdminOperation[];

  beforeAll(async () => {
    await world.start(true, await startOfficeServers(world.cleanup));
    await workInOffice(world);
    operations = operationsIn(await openApiOf(world.admin, world.first));
  });

  afterEach(() => expect(world.takeComplaints()).toEqual([]));
  afterAll(() => world.cleanup.run());

  /** Resolves when the page has read what it shows. */
  async function read(page: Page): Promise<void> {
    const main = page.getByRole('main');
    await main.getByRole('heading', { level: 1 }).waitFor();
    await until(async () => (await main.getByText(/^Loading /).count()) === 0);
  }

  /** Opens a place, and resolves when the page offers these acts there and no others. @throws with those that it offers */
  async function expectActsAt(page: Page, place: string, acts: readonly string[]): Promise<void> {
    await page.goto('about:blank');
    await page.goto(`${world.base}/admin/ui/#${place}`);
    await read(page);
    let offered: readonly string[] = [];
    // Parts of a page read for themselves.
    const isOffered = async () => isDeepStrictEqual((offered = await offeredActs(page)), acts);
    await until(isOffered).catch(() => expect({ place, acts: offered }).toEqual({ place, acts }));
  }

  const mayUse = (role: string, operation: string): boolean =>
    operations.some(({ verb, path, roles }) => `${verb} ${path}` === operation && roles.includes(role));

  /** Statuses with which the API answers the page itself, without the roles that would permit the operations. */
  const answersTo = (page: Page, forbidden: readonly AdminOperation[]) =>
    page.evaluate(
      (all) =>
        Promise.all(
          all.map(async ({ verb, path }) => {
            const headers = { 'content-type': 'application/json' };
            const body = verb === 'GET' ? undefined : '{}';
            const { status } = await fetch(`../v1${path}`, { method: verb, headers, ...(body && { body }) });
            return `${status} ${verb} ${path}`;
          }),
        ),
      forbidden.map(({ verb, path }) => ({ verb, path: path.replaceAll(/\{\w+\}/g, 'tickets') })),
    );

  it.each(ROLES)('offers %s every act that the API permits, and no other', async (role) => {
    const page = await world.logIn(role, '/access/tokens');
    await page.getByRole('heading', { name: 'Personal access tokens', level: 1 }).waitFor();
    expect(page.url()).toBe(`${world.base}/admin/ui/#/access/tokens`);
    const refused: string[] = [];
    page.on('response', (response) => {
      if (response.status() === 403) refused.push(response.url());
    });
    for (const [place, acts] of Object.entries(ACTS)) {
      const permitted = Object.entries(acts).flatMap(([act, operation]) => (mayUse(role, operation) ? act : []));
      await expectActsAt(page, place, permitted.toSorted());
    }
    for (const link of await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').all()) {
      await link.click();
      await read(page);
    }
    expect(refused).toEqual([]);
    for (const [form, operation] of Object.entries(FORMS)) {
      await page.goto(`${world.base}/admin/ui/#${form}`);
      await read(page);
      const isShown = (await page.getByRole('heading', { name: 'This page does not exist' }).count()) === 0;
      expect({ form, isShown }).toEqual({ form, isShown: mayUse(role, operation) });
    }
    await page.context().close();
  });

  it.each(ROLES)('reaches no forbidden operation as %s', async (role) => {
    const page = await world.logIn(role, '/access/tokens');
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    const forbidden = operations.filter(({ roles }) => !roles.includes(role));
    expect(forbidden.length > 0).toBe(role !== 'admin');
    expect((await answersTo(page, forbidden)).filter((answer) => !answer.startsWith('403'))).toEqual([]);
    await page.context().close();
  });

  it('shows somebody without a role why the login failed', async () => {
    const page = await world.logIn('nobody', '/servers');
    await page.getByRole('alert').getByText('requires one of the roles: admin, operator, auditor, user').waitFor();
    expect(await page.context().cookies()).not.toContainEqual(expect.objectContaining({ sameSite: 'Strict' }));
    await page.context().close();
  });
});
