/** @waits */
import { describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { accessibilityFaults } from '../../support/accessibility.js';
import { useAdminPage } from '../../support/admin-page.js';
import { MARKUP } from '../../support/markup.js';
import { RoamingClient } from '../../support/roaming-client.js';

describe('the page of connections', () => {
  const world = useAdminPage(async (cleanup) => {
    const server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    cleanup.add(() => server.close());
    return { servers: { ref: { transport: 'http', url: server.url } } };
  });

  it('shows the connection of a user to a server, and disconnects it', async () => {
    const { page, second } = world;
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
    await world.button('Disconnect').click();
    await world.confirm('Disconnect');
    await page.getByText('Disconnected.').waitFor();
    await row.waitFor({ state: 'detached' });
    // The server has kept state for the session, which is lost.
    expect(await client.callAndRead(second, 'has lost its state')).toMatchObject({ status: 404 });
  });
});
