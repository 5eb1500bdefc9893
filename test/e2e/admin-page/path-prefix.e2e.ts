/** @waits */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { OpenIdAdminPage } from '../../support/open-id-admin-page.js';

/** That below a path which nginx removes is used by `roles.e2e.ts`. */
describe('the admin page below a path that nginx passes on', () => {
  const world = new OpenIdAdminPage();

  beforeAll(async () => {
    const server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    world.cleanup.add(() => server.close());
    await world.start(false, { servers: { demo: { transport: 'http', url: server.url } } });
  });

  afterEach(() => expect(world.takeComplaints()).toEqual([]));
  afterAll(() => world.cleanup.run());

  it('logs in over the provider, shows live figures, calls a tool and logs out, with no request outside of the path', async () => {
    const page = await world.logIn('admin', '/overview');
    await page.getByText('Event loop delay').waitFor();
    expect(page.url()).toBe(`${world.base}/admin/ui/#/overview`);
    const session = (await page.context().cookies()).find(({ sameSite }) => sameSite === 'Strict');
    expect(session).toMatchObject({ path: '/tools/admin', httpOnly: true });
    await page.goto(`${world.base}/admin/ui/#/try?endpoint=%2Fservers%2Fdemo%2Fmcp&era=legacy&name=echo`);
    await page.getByLabel('text (required)').fill('below a path');
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await page.getByRole('region', { name: 'Result', exact: true }).getByText('below a path').waitFor();
    await page.reload();
    await page.getByLabel('text (required)').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Log in with' }).waitFor();
    expect((await page.context().cookies()).some(({ sameSite }) => sameSite === 'Strict')).toBe(false);
    await page.context().close();
  });
});
