/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { startAdminPageWorld, type AdminPageWorld } from '../../support/admin-page-world.js';
import { HAS_BROWSER } from '../../support/browser.js';
import type { ClusterWorker } from '../../support/cluster.js';
import { RoamingClient } from '../../support/roaming-client.js';

/** A caller may be named anything. */
const MARKUP = '<img src=x onerror=console.error(1)>';

(HAS_BROWSER ? describe : describe.skip)('the page of connections', () => {
  let server: ReferenceServer;
  let world: AdminPageWorld;
  let second: ClusterWorker;

  beforeAll(async () => {
    server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    world = await startAdminPageWorld({ servers: { ref: { transport: 'http', url: server.url } } });
    second = world.cluster.workers[1]!;
  });

  afterAll(async () => {
    expect(world.complaints).toEqual([]);
    await world.close();
    await server.close();
  });

  it('shows the connection of a user to a server, and disconnects it', async () => {
    const { page } = world;
    await world.open('/connections');
    await page.getByText('The gateway is connected to no server.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const token = await world.cluster.token({ subject: MARKUP });
    const client = await RoamingClient.initialize(second, { token });
    await client.callAndRead(second, 'connects');
    await world.open('/connections');
    const row = page.getByRole('row').filter({ hasText: MARKUP });
    await row.waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await row.click();
    await page.getByText('one session of a client').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('Disconnected.').waitFor();
    await row.waitFor({ state: 'detached' });
    // The server has kept state for the session, which is lost.
    expect(await client.callAndRead(second, 'has lost its state')).toMatchObject({ status: 404 });
  });
});
